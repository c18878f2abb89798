"""The address of a shared log: `postgresql://…`, without a password."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from stackfold.domain.errors import Invalid
from stackfold.infrastructure.system.loopback import is_loopback

_SCHEMES = ("postgresql", "postgres")
_SECRET = {"password", "sslpassword"}


class DatabaseUrl(NamedTuple):
    """The address of a shared log."""

    url: str
    """The URL as the user wrote it, which contains no password."""
    location: str
    """The part of the URL that messages show."""


def parse_database_url(url: str) -> DatabaseUrl:
    """Parse the address of a shared log.

    Raises:
        Invalid: It is not the address of a supported database, or it contains a password. The
            message never repeats an address that cannot be parsed, which may contain one.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in _SCHEMES:
        raise Invalid(
            "the address of the store is no address of a database: write postgresql://USER@HOST/DATABASE"
        )
    try:
        parts = urlsplit(f"postgresql://{rest}")
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _unreadable() from None
    user, _, hosts = parts.netloc.rpartition("@")
    if ":" in user or _SECRET.intersection(key for key, _ in query):
        raise Invalid(
            "the address of the store holds a password, which would be stored and shown with it: "
            "leave it out, and give it in PGPASSWORD, in ~/.pgpass or in a service file"
        )
    readable = (
        "@" not in user
        and url.isprintable()
        and not parts.fragment
        and all(re.fullmatch(r"(\[[^\]]*\]|[^:@\[\]]*)(:\d*)?", each) for each in hosts.split(","))
        and all(re.fullmatch(r"[a-z_]+", key) for key, _ in query)
    )
    if not readable:
        raise _unreadable()
    return DatabaseUrl(url.strip(), f"postgresql://{parts.netloc}{parts.path}")


def only_on_loopback(url: str) -> bool:
    """Whether every host of an address is this machine; so is the folder of a socket.

    Raises:
        Invalid: As `parse_database_url`.
    """
    parts = urlsplit(parse_database_url(url).url)
    options = dict(parse_qsl(parts.query))
    if "service" in options:
        return False  # the service file may name any host
    netloc = parts.netloc.rpartition("@")[2]
    hosts = options.get("hostaddr") or options.get("host") or netloc
    each_host = [re.sub(r"(?<![:[]):\d*$", "", each) for each in hosts.split(",")]
    return all(not host or host.startswith("/") or is_loopback(host) for host in each_host)


def _unreadable() -> Invalid:
    return Invalid(
        "the address of the store cannot be read: write postgresql://USER@HOST:PORT/DATABASE, "
        "without a password"
    )
