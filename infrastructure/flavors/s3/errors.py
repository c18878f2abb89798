"""What went wrong with an S3 store, in plain words."""

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
_BY_SYMPTOM = {
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


class Fault(NamedTuple):
    """An error of the client library, as far as we must tell errors apart."""

    code: str
    """What S3 calls it, such as `NoSuchBucket`; empty if it did not say."""
    status: str
    """The status of HTTP, such as "404"; empty if there was no answer."""
    text: str

    @classmethod
    def of(cls, error: BaseException) -> "Fault":
        """Read an error; its text also holds what the server answered."""
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        return cls(code[1] if code else "", status[1] if status else "", text)

    @property
    def was_cut(self) -> bool:
        """Whether nobody knows if the request was carried out: its answer never came."""
        return not self.status and self.in_plain_words() in {_CUT, _LATE}

    def in_plain_words(self) -> str:
        """One line without anything of the request, which is signed with a secret."""
        if self.code in _BY_CODE:
            return _BY_CODE[self.code]
        if self.status in _BY_STATUS:
            return _BY_STATUS[self.status]
        if self.status:
            said = f"{self.status} {self.code}".rstrip()
            return f"it answers {said}" + (", a fault of its own" * self.status.startswith("5"))
        symptom = next((sign for sign in _BY_SYMPTOM if sign in self.text), None)
        return _BY_SYMPTOM[symptom] if symptom else self.text.partition("\n")[0][:200]
