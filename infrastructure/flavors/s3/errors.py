"""One-line messages for the errors of an S3 store."""

import re
from typing import NamedTuple

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")

_BY_CODE = {
    "NoSuchBucket": "there is no such bucket: create it, or correct the path",
    "InvalidAccessKeyId": "it does not know this access key: correct the secret behind key",
    "SignatureDoesNotMatch": "the secret key is wrong: correct the secret behind secret",
    "ExpiredToken": "the credentials have expired: renew the secret behind token",
    "InvalidToken": "the session token is wrong: correct the secret behind token",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    "AuthorizationHeaderMalformed": "the bucket is in another region: correct region",
    "PermanentRedirect": "the bucket is in another region: correct region",
    "QuotaExceeded": "its quota is used up: free some space",
    "EntityTooLarge": "the artifact is larger than it takes",
}
_DENIED = "access is denied: correct key and secret, or let them use this bucket and prefix"
_BUSY = "it is overloaded and asks to slow down"
_BY_STATUS = {
    "301": _BY_CODE["PermanentRedirect"],
    "401": _DENIED,
    "403": _DENIED,
    "429": _BUSY,
    "503": _BUSY,
    "507": "it is full: free some space",
}
_CUT = "the connection was cut"
_LATE = "it did not answer in time"
_BY_TEXT = {
    "dns error": "there is no such host: correct endpoint_url",
    "certificate": "its certificate is not trusted",
    "kind: ConnectionReset": _CUT,
    "kind: Interrupted": _CUT,
    "kind: Connect": "nothing answers: start it, or correct endpoint_url",
    "kind: Timeout": _LATE,
    "operation timed out": _LATE,
    "CredentialsProvider": "there are no credentials: give key and secret, or set them up for AWS",
    "169.254.169.254": "there are no credentials: give key and secret, or set them up for AWS",
    "kind: Request": _CUT,
    "kind: Decode": _CUT,
    "error decoding response body": _CUT,
    "HTTP error": _CUT,
}


class S3Error(NamedTuple):
    """The parts of an error of the client library."""

    code: str
    """The error code of S3, such as `NoSuchBucket`; empty if there is none."""
    status: str
    """The HTTP status, such as "404"; empty if there was no response."""
    text: str

    @classmethod
    def parse(cls, error: BaseException) -> "S3Error":
        """Parse an error, whose text contains the server's response."""
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        return cls(code[1] if code else "", status[1] if status else "", text)

    @property
    def is_lost(self) -> bool:
        """Whether the response was lost, so that the request may have been executed."""
        return not self.status and self.message() in {_CUT, _LATE}

    def message(self) -> str:
        """Return one line that contains nothing of the request, which is signed with a secret."""
        if self.code in _BY_CODE:
            return _BY_CODE[self.code]
        if self.status in _BY_STATUS:
            return _BY_STATUS[self.status]
        if self.status:
            answer = f"it answers {self.status} {self.code}".rstrip()
            return f"{answer}, a server error" if self.status.startswith("5") else answer
        first_line = self.text.partition("\n")[0][:200]
        return next((each for part, each in _BY_TEXT.items() if part in self.text), first_line)
