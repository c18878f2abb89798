"""Converts stored tables, arrays, JSON and pictures to other formats; nothing is unpickled."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from stackfold.domain.errors import CannotConvert
from stackfold.domain.errors.wording import text_of
from stackfold.domain.exact_json.class_finder import class_finder
from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.display import readable

FORMATS = ("csv", "json", "parquet", "npy", "png", "jpeg")
_IN_MEMORY = 2**24
_ROWS = 2**16

Write = Callable[[Any, BinaryIO], None]


@contextmanager
def converted(file: BinaryIO, materializer: str, format: str) -> Iterator[BinaryIO]:
    """Convert stored bytes to a format.

    Args:
        file: The stored bytes.
        materializer: The name of the materializer that wrote them.
        format: One of `FORMATS`.

    Raises:
        CannotConvert: What is stored cannot be converted to the format.
    """
    if format not in FORMATS:
        raise CannotConvert(materializer, format, f"give one of {', '.join(FORMATS)}")
    kind, open_value = _KINDS.get(materializer, ("", None))
    write = _WRITERS.get((kind, format))
    if open_value is None or write is None:
        possible = [to for of, to in _WRITERS if of == kind]
        hint = f"it can be {', '.join(possible)}" if possible else "export it without a format"
        raise CannotConvert(materializer, format, hint)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as target:
        try:
            write(open_value(file), cast(BinaryIO, target))
        except ImportError as error:
            raise CannotConvert(materializer, format, f"install {error.name}") from error
        except Exception as error:  # of a library: nested columns in CSV, an array of 3 dimensions
            reason = " ".join(text_of(error).split())
            raise CannotConvert(materializer, format, f"{reason:.200}") from error
        target.seek(0)
        yield cast(BinaryIO, target)


# -- readers


def _parquet(file: BinaryIO) -> Any:
    from pyarrow import parquet

    return parquet.read_table(file, use_threads=False, pre_buffer=False)


def _arrow(file: BinaryIO) -> Any:
    from pyarrow import ipc

    with ipc.open_stream(file) as stream:
        return stream.read_all()


def _npy(file: BinaryIO) -> Any:
    import numpy

    return numpy.load(io.BytesIO(file.read()), allow_pickle=False)


def _json(file: BinaryIO) -> Any:
    decoder = Decoder(class_finder(), shows_unknown=True)
    return readable(json.loads(file.read(), object_hook=decoder.decoded))


def _picture(file: BinaryIO) -> Any:
    from PIL import Image

    picture = Image.open(file, formats=["PNG"])
    picture.load()
    return picture


_KINDS: Mapping[str, tuple[str, Callable[[BinaryIO], Any]]] = {
    "pandas": ("table", _parquet),
    "polars": ("table", _parquet),
    "arrow": ("table", _arrow),
    "numpy": ("array", _npy),
    "json": ("json", _json),
    "png": ("picture", _picture),
    "figure-png": ("picture", _picture),
}

# -- writers


def _table_to_csv(table: Any, file: BinaryIO) -> None:
    from pyarrow import csv

    csv.write_csv(table, file)


def _table_to_json(table: Any, file: BinaryIO) -> None:
    file.write(b"[")
    first = True
    for batch in table.to_batches(_ROWS):
        for row in batch.to_pylist():
            text = json.dumps(row, ensure_ascii=False, default=str)
            file.write(("" if first else ",\n").encode() + text.encode())
            first = False
    file.write(b"]\n")


def _table_to_parquet(table: Any, file: BinaryIO) -> None:
    from pyarrow import parquet

    parquet.write_table(table, file)


def _array_to_csv(array: Any, file: BinaryIO) -> None:
    import numpy

    if array.ndim > 2:
        raise ValueError(f"an array of {array.ndim} dimensions is no table")
    numpy.savetxt(file, numpy.atleast_1d(array), delimiter=",", fmt="%s")


def _array_to_json(array: Any, file: BinaryIO) -> None:
    text = json.dumps(array.tolist(), ensure_ascii=False, default=str)
    file.write(f"{text}\n".encode())


def _array_to_npy(array: Any, file: BinaryIO) -> None:
    import numpy

    numpy.save(file, array, allow_pickle=False)


def _json_to_json(value: Any, file: BinaryIO) -> None:
    file.write(f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode())


def _picture_to(name: str) -> Write:
    def write(picture: Any, file: BinaryIO) -> None:
        if name == "JPEG" and picture.mode not in ("L", "RGB"):
            picture = picture.convert("RGB")
        picture.save(file, format=name)

    return write


_WRITERS: Mapping[tuple[str, str], Write] = {
    ("table", "csv"): _table_to_csv,
    ("table", "json"): _table_to_json,
    ("table", "parquet"): _table_to_parquet,
    ("array", "csv"): _array_to_csv,
    ("array", "json"): _array_to_json,
    ("array", "npy"): _array_to_npy,
    ("json", "json"): _json_to_json,
    ("picture", "png"): _picture_to("PNG"),
    ("picture", "jpeg"): _picture_to("JPEG"),
}
