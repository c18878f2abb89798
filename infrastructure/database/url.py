"""The address of a log that several people share: `postgresql://…`, without a password."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from stackfold.domain.errors import Invalid
from stackfold.infrastructure.system.loopback import is_loopback

_SCHEMES = ("postgresql", "postgres")
_SECRET = {"password", "sslpassword"}


class Address(NamedTuple):
    """Where a shared log is."""

    url: str
    """As it was given; it holds no password."""
    place: str
    """What is shown of it."""


def address(url: str) -> Address:
    """Read an address.

    Raises:
        Invalid: It is of no database that can keep a log, or holds a password. What is told
            never repeats an address that cannot be read, as it may hold one.
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
    return Address(url.strip(), f"postgresql://{parts.netloc}{parts.path}")


def only_on_loopback(url: str) -> bool:
    """Whether every host of an address is this machine, whoever asks; so is a socket's folder.

    Raises:
        Invalid: As `address`.
    """
    parts = urlsplit(address(url).url)
    options = dict(parse_qsl(parts.query))
    if "service" in options:
        return False  # whatever its file says
    netloc = parts.netloc.rpartition("@")[2]
    hosts = options.get("hostaddr") or options.get("host") or netloc
    each_host = [re.sub(r"(?<![:[]):\d*$", "", each) for each in hosts.split(",")]
    return all(not host or host.startswith("/") or is_loopback(host) for host in each_host)


def _unreadable() -> Invalid:
    return Invalid(
        "the address of the store cannot be read: write postgresql://USER@HOST:PORT/DATABASE, "
        "without a password"
    )
