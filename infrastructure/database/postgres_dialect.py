"""Translates statements from the SQL that all databases share to that of PostgreSQL.

Texts are compared by their code points, as in SQLite, in a database of any language.
"""

import re
from functools import lru_cache

_TYPES = {"TEXT": 'TEXT COLLATE "C"', "INTEGER": "BIGINT", "BLOB": "BYTEA"}


@lru_cache(maxsize=1000)
def translated(statement: str) -> bytes:
    """A statement with `?` for its parameters, as psycopg takes it."""
    text = statement.replace("%", "%%").replace("?", "%s")
    text = text.replace("instr(", "strpos(").replace("IN ()", "IN (NULL)")
    if text.startswith("CREATE TABLE"):
        text = re.sub(r"\b(TEXT|INTEGER|BLOB)\b", lambda match: _TYPES[match[1]], text)
    return text.encode()


def without_nul(value: object) -> object:
    """A parameter with NUL, which no text in PostgreSQL can contain, replaced by its symbol."""
    return value.replace("\0", "\N{SYMBOL FOR NULL}") if isinstance(value, str) else value
