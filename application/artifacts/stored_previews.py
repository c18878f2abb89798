"""Stored previews: what materializers make to show a value, as objects beside the artifacts."""

import io
import logging
from typing import Any

from stackfold.application.artifacts.content import BINARY, HEAD, PICKLE, media_type
from stackfold.application.artifacts.materializer import Materializer
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.secrets.redaction import redacted
from stackfold.domain.errors.wording import text_of
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.runs.artifact import StoredPreview

LARGEST = 2**20
"""The most bytes of a preview."""
LONGEST_TEXT = 20_000
"""Characters of a text; a longer one is cut."""


def stored_preview(
    materializer: Materializer, value: Any, store: ArtifactStore
) -> StoredPreview | None:
    """Store the preview that a materializer makes of a value; None if it makes none.

    Whatever fails is logged as a warning: the value has been stored, and the step goes on.

    Args:
        materializer: The materializer that wrote the value.
        value: The value.
        store: The store that contains the artifact.
    """
    try:
        made = materializer.preview(value)
        if made is None:
            return None
        data = _bytes(made)
        with store.create() as file:
            file.write(data)
        uri, digest, size = file.stored
        return StoredPreview(uri=uri, digest=digest, size=size)
    except BaseException as error:  # raised by a class of the user's, or by the store
        if is_interruption(error) or isinstance(error, SystemExit):
            raise
        what = f"preview of a {type_name(type(value))}"
        line = redacted(f"{what} could not be made: {type(error).__name__}: {text_of(error)}")
        logging.getLogger("stackfold.metadata").warning("%s", " ".join(line.split()))
        return None


def _bytes(made: Any) -> bytes:
    """Return a preview as text, a picture or a page.

    Raises:
        ValueError: It is none of them, or is too large.
    """
    if isinstance(made, str):
        cut = made if len(made) <= LONGEST_TEXT else f"{made[: LONGEST_TEXT - 1]}…"
        return redacted(cut).encode(errors="backslashreplace")
    data = bytes(made) if isinstance(made, bytes | bytearray) else _picture(made)
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data):,} bytes; the most are {LARGEST:,}")
    if media_type(data[:HEAD]) in {BINARY, PICKLE}:
        raise ValueError("its bytes are no text, picture or page")
    return data


def _picture(made: Any) -> bytes:
    save = getattr(made, "savefig", None) or getattr(made, "save", None)
    if not callable(save):
        raise ValueError(f"a {type_name(type(made))} is no text, picture or page")
    file = io.BytesIO()
    save(file, format="png")
    return file.getvalue()
