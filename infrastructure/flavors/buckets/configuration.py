"""Parts of the configurations of artifact stores in buckets."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

ConnectTimeout = Annotated[
    float, Field(gt=0, le=300, description="Seconds to wait for a connection.")
]
Timeout = Annotated[
    float,
    Field(
        gt=0,
        le=3600,
        description="Seconds until one request, of at most 8 MiB, times out.",
    ),
]
RetryTimeout = Annotated[
    float, Field(ge=0, le=290, description="Seconds for which a failed request is repeated.")
]


def path_pattern(scheme: str, bucket: str) -> re.Pattern[str]:
    """Return the pattern of a store's `path`; its groups are the bucket and the prefix.

    Args:
        scheme: Such as "s3".
        bucket: A regular expression of the names of buckets.
    """
    return re.compile(rf"{scheme}://({bucket})((?:/[\w=+-][\w.=+-]*)*)/?", re.ASCII)


def server_url(url: str | None, credentials: str, path: str = "") -> str | None:
    """Return the URL of a server, without a slash at the end.

    Args:
        url: The URL; None for the vendor's.
        credentials: The attributes that hold credentials, for the message.
        path: The path that the URL may have.

    Raises:
        ValueError: It is no URL of a server. The message does not repeat the URL, which may
            contain a password.
    """
    parts = urlsplit(url or "https://host")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be http://host:port or https://host:port")
    if "@" in parts.netloc:
        raise ValueError(f"may hold no password: give {credentials}")
    if parts.query or parts.fragment or parts.path.strip("/") not in {"", path}:
        allowed = f", or /{path}" if path else ""
        raise ValueError(f"must end with the host and port{allowed}")
    return url and url.rstrip("/")
