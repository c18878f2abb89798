"""One-line messages for the errors of an artifact store in a bucket."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_QUERY = re.compile(r"\?\S+")
"""A query of a URL, which may contain a signature."""
_MISSING_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
_LOST_PARTS = {"InvalidBlockList", "InvalidPart", "NoSuchUpload"}
_CUT = "the connection was cut"
_LATE = "it did not answer in time"
_BY_TEXT = {
    "dns error": "there is no such host: correct {host}",
    "certificate": "its certificate is not trusted",
    "kind: ConnectionReset": _CUT,
    "kind: Interrupted": _CUT,
    "kind: Connect": "nothing answers: start it, or correct {host}",
    "kind: Timeout": _LATE,
    "operation timed out": _LATE,
    "kind: Request": _CUT,
    "kind: Decode": _CUT,
    "error decoding response body": _CUT,
    "HTTP error": _CUT,
}

BUSY = "it is overloaded and asks to slow down"
NO_BUCKET = "there is no such bucket: create it, or correct the path"


class BucketError(NamedTuple):
    """The parts of an error of the client library."""

    code: str
    """The error code of the server, such as `NoSuchBucket`; empty if there is none."""
    status: str
    """The HTTP status, such as "404"; empty if there was no response."""
    text: str

    @classmethod
    def parse(cls, error: BaseException) -> "BucketError":
        """Parse an error, whose text contains the server's response."""
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        return cls(code[1] if code else "", status[1] if status else "", text)

    @property
    def is_missing_bucket(self) -> bool:
        """Whether the server answered that the bucket does not exist."""
        return self.code in _MISSING_BUCKET

    @property
    def is_lost(self) -> bool:
        """Whether the response was lost, or parts of an upload: the same request may succeed."""
        if self.code in _LOST_PARTS:
            return True
        return not self.status and self.connection_problem in {_CUT, _LATE}

    @property
    def connection_problem(self) -> str:
        """What is wrong with the connection; empty if it is something else."""
        return next((each for part, each in _BY_TEXT.items() if part in self.text), "")


class Messages(NamedTuple):
    """Messages that say what to do, in the words of a flavor's configuration."""

    host: str
    """The attributes that name the server."""
    by_text: Mapping[str, str]
    """Part of the client's text → message; these are tried first."""
    by_code: Mapping[str, str]
    by_status: Mapping[str, str]

    def message(self, error: BucketError) -> str:
        """Return one line that contains nothing of the request, which is signed with a secret."""
        for part, message in self.by_text.items():
            if part in error.text:
                return message
        if error.code in self.by_code:
            return self.by_code[error.code]
        if error.status in self.by_status:
            return self.by_status[error.status]
        if error.status:
            answer = f"it answers {error.status} {error.code}".rstrip()
            return f"{answer}, a server error" if error.status.startswith("5") else answer
        if error.connection_problem:
            return error.connection_problem.format(host=self.host)
        return _QUERY.sub("?…", error.text.partition("\n")[0])[:200]
