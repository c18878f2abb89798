"""Connection strings of storage accounts."""

from typing import NamedTuple
from urllib.parse import urlsplit


class ConnectionString(NamedTuple):
    """The parts of a connection string, such as "AccountName=…;AccountKey=…"."""

    account_name: str
    account_key: str
    sas_token: str
    endpoint: str
    """The URL of its blobs; empty if the string has none."""

    @classmethod
    def parse(cls, text: str) -> "ConnectionString":
        """Parse a connection string; parts that it lacks are empty."""
        pairs = (each.strip().partition("=") for each in text.split(";"))
        parts = {name.lower(): value for name, _, value in pairs}
        account, endpoint = parts.get("accountname", ""), parts.get("blobendpoint", "")
        suffix = parts.get("endpointsuffix", "")
        if not endpoint and account and suffix:
            protocol = parts.get("defaultendpointsprotocol", "https")
            endpoint = f"{protocol}://{account}.blob.{suffix}"
        return cls(
            account,
            parts.get("accountkey", ""),
            parts.get("sharedaccesssignature", ""),
            endpoint.rstrip("/"),
        )

    def problem(self, account_name: str, endpoint: str) -> str:
        """Return why it cannot be used, without a secret; empty if it can.

        Args:
            account_name: The account of the configuration.
            endpoint: The server of the configuration.
        """
        if not self.account_key and not self.sas_token:
            return (
                "the secret behind connection_string contains neither AccountKey nor "
                "SharedAccessSignature: correct it"
            )
        if self.account_name not in {"", account_name}:
            return "the connection string is that of another account: correct account_name"
        if self.endpoint and _host(self.endpoint) != _host(endpoint):
            return "the connection string is that of another server: correct endpoint_url"
        return ""


def _host(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path.rstrip("/")
