"""Reads small JSON values from artifact stores that are folders of this machine."""

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.domain.exact_json.class_finder import class_finder
from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.display import readable

_FILE = "file://"
LARGEST = 1024
"""In bytes."""
MOST = 100
"""The largest number of values that are read at once."""


def small_values(artifacts: Sequence[ArtifactView]) -> dict[str, Any]:
    """The values of those artifacts that are small JSON in a local folder: digest → value.

    Neither the store's flavor nor the class of a value is loaded. What is shown are the bytes that
    were recorded: their sha256 is compared. The others, such as those in S3, are left out, as
    nobody should wait for them.
    """
    small = [
        each
        for each in artifacts
        if each.materializer == "json" and each.size <= LARGEST and each.uri.startswith(_FILE)
    ]
    found = {}
    for each in small[:MOST]:
        with suppress(OSError, ValueError):  # it was deleted, or is not what was recorded
            found[each.digest] = _decoded(_content(each.uri, each.digest, each.size))
    return found


def _decoded(text: bytes) -> Any:
    with suppress(Exception):  # written by a newer version
        decoder = Decoder(class_finder(), shows_unknown=True)
        return readable(json.loads(text, object_hook=decoder.decoded))
    return readable(json.loads(text))


@lru_cache(maxsize=4096)
def _content(uri: str, digest: str, size: int) -> bytes:
    """The content of a file with an address.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not what was recorded.
    """
    path = os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE)))
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags)
    try:
        state = os.fstat(file)
        content = os.read(file, LARGEST + 1) if stat.S_ISREG(state.st_mode) else b""
    finally:
        os.close(file)
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(uri)
    return content
