"""The address of a shared log: `postgresql://…`, without a password.

Two of its parameters are those of Stackfold, all others those of libpq: `schema` names the schema
of the log, and `pool_size` is the most connections that the threads of a workspace use.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from stackfold.domain.errors import Invalid
from stackfold.infrastructure.system.loopback import is_loopback

_SCHEMES = ("postgresql", "postgres")
_SECRET = {"password", "sslpassword"}
_SCHEMA = "stackfold"
_POOL_SIZE = 10
_LARGEST_POOL = 1000
_LONGEST_SCHEMA = 50
"""The longest name of a schema: PostgreSQL allows 63 bytes, and other names are derived from it."""
_TAKEN = {"public", "information_schema"}
_OF_PROGRAMS = "_own"
"""The end of the name of the schema for the tables of programs."""


class DatabaseUrl(NamedTuple):
    """The address of a shared log."""

    url: str
    """The URL as the user wrote it, which contains no password."""
    location: str
    """The part of the URL that messages show."""
    server: str
    """The URL for libpq, without the parameters of Stackfold."""
    schema: str = _SCHEMA
    """The schema of the log."""
    pool_size: int = _POOL_SIZE
    """The most connections that the threads of a workspace use."""

    @property
    def own_schema(self) -> str | None:
        """The schema for the tables of programs; None for the search path of the role."""
        return None if self.schema == _SCHEMA else self.schema + _OF_PROGRAMS


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
    given = dict(query)
    if "search_path" in given.get("options", ""):
        raise Invalid(
            "the address of the store sets search_path, which does not choose the schema of a log: "
            "write ?schema=NAME instead"
        )
    if len(given) < len(query) and {"schema", "pool_size"} & {
        key for key, _ in query if [each for each, _ in query].count(key) > 1
    }:
        raise Invalid("the address of the store gives schema or pool_size twice: give each once")
    schema = _valid_schema(given["schema"]) if "schema" in given else _SCHEMA
    size = _valid_size(given["pool_size"]) if "pool_size" in given else _POOL_SIZE
    location = f"postgresql://{parts.netloc}{parts.path}"
    if schema != _SCHEMA:
        location += f"?schema={schema}"
    return DatabaseUrl(url.strip(), location, _for_libpq(url.strip()), schema, size)


def _for_libpq(url: str) -> str:
    """The address without the parameters of Stackfold, otherwise unchanged."""
    address, _, query = url.partition("?")
    kept = [
        each
        for each in query.split("&")
        if unquote(each.partition("=")[0]) not in ("schema", "pool_size")
    ]
    return f"{address}?{'&'.join(kept)}" if any(kept) else address


def _valid_schema(name: str) -> str:
    valid = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and len(name) <= _LONGEST_SCHEMA
    if not valid or name in _TAKEN or name.startswith("pg_") or name.endswith(_OF_PROGRAMS):
        raise Invalid(
            f"{name!r:.100} cannot be the schema of a log: give 1 to {_LONGEST_SCHEMA} lower-case "
            f"letters, digits and underscores, not public, pg_… or …{_OF_PROGRAMS}"
        )
    return name


def _valid_size(size: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", size) or not 1 <= int(size) <= _LARGEST_POOL:
        raise Invalid(f"pool_size={size:.100} is not a number from 1 to {_LARGEST_POOL}")
    return int(size)


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
