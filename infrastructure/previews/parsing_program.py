"""A program that parses a file on stdin, and writes what to show of it to stdout, as JSON.

It runs in a process of its own, as it reads formats whose parsers are large and may be attacked:
`python parsing_program.py FORMAT SECONDS < FILE`. It imports nothing but what a format needs.
"""

import io
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

MEMORY = 3 * 2**30
"""Bytes of address space; libraries reserve much more than they use."""
MOST_ROWS, MOST_COLUMNS, MOST_MEMBERS = 12, 30, 50
LARGEST_GROUP = 256 * 2**20
"""The most decompressed bytes of the columns that are shown, in the first row group."""
LONGEST_CELL = 80


def main(kind: str, seconds: int) -> dict[str, Any]:
    """Parse stdin."""
    with suppress(ImportError):  # not on Windows, where only the time is limited
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    file = sys.stdin.buffer
    source: BinaryIO = file if file.seekable() else io.BytesIO(file.read())
    source.seek(0)
    return _PARSERS[kind](source)


def parquet(file: BinaryIO) -> dict[str, Any]:
    """The first rows of Parquet."""
    from pyarrow import parquet as pq

    opened = pq.ParquetFile(file, pre_buffer=False)
    schema, facts = opened.schema_arrow, opened.metadata
    names = [each.name for each in schema]
    summary = f"Parquet, {_count(facts.num_rows, 'row')}, {_count(len(names), 'column')}"
    shown = [*range(min(len(names), MOST_COLUMNS))]
    picked = [names[at] for at in shown]
    if len(set(names)) < len(names):
        return _table(summary, schema, [], facts.num_rows)
    if facts.num_row_groups and facts.num_rows:
        first = facts.row_group(0)
        columns = [first.column(at) for at in range(first.num_columns)]
        # Nested columns have paths that begin with their name.
        wanted = [each for each in columns if each.path_in_schema.split(".")[0] in picked]
        if sum(each.total_uncompressed_size for each in wanted) > LARGEST_GROUP:
            return _table(f"{summary}, too large when decompressed", schema, [], facts.num_rows)
    batch = next(opened.iter_batches(MOST_ROWS, columns=picked, use_threads=False), None)
    return _table(summary, schema, [] if batch is None else [batch], facts.num_rows)


def arrow(file: BinaryIO) -> dict[str, Any]:
    """The first rows of a stream of Arrow."""
    from pyarrow import ipc

    reader = ipc.open_stream(file)
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch.slice(0, MOST_ROWS - rows))
        rows += batches[-1].num_rows
        if rows == MOST_ROWS:
            break
    summary = f"Arrow, {_count(len(reader.schema), 'column')}"
    return _table(summary, reader.schema, batches, None)


def npy(file: BinaryIO) -> dict[str, Any]:
    """The first elements of a numpy array; pickled objects are rejected."""
    import numpy

    version = numpy.lib.format.read_magic(file)
    read = {1: numpy.lib.format.read_array_header_1_0, 2: numpy.lib.format.read_array_header_2_0}
    if version[0] not in read:
        return {"problem": "it is of a later version of the format"}
    lengths, in_columns, kind = read[version[0]](file)
    shape: list[int] = [*lengths]
    if kind.hasobject:
        return {"form": "pickle", "summary": "Python objects, which only unpickling reads."}
    size = 1
    for length in shape:
        size *= length
    if not shape:
        (value,) = numpy.frombuffer(file.read(kind.itemsize), kind, 1)
        return {"form": "numbers", "summary": f"A number, {kind}", "rows": [["", _number(value)]]}
    dimensions = " × ".join(f"{length:,}" for length in shape)
    summary = f"Array of {dimensions}, {kind}"
    if kind.names or not size or (in_columns and len(shape) > 1 and size > 10_000_000):
        return {"form": "other", "summary": summary}
    width = 1
    for length in shape[1:]:
        width *= length
    if in_columns and len(shape) > 1:
        data = numpy.frombuffer(file.read(size * kind.itemsize), kind, size)
        flat = data.reshape(shape[::-1]).T.reshape(shape[0], width)[:MOST_ROWS]
    else:
        count = min(size, MOST_ROWS * width, 10_000_000)
        rows = count // width
        data = numpy.frombuffer(file.read(count * kind.itemsize), kind, count)
        flat = data[: rows * width].reshape(rows, width)
    flat = flat[:, :MOST_COLUMNS]
    more = [
        *([f"{shape[0] - len(flat):,} more rows"] if shape[0] > len(flat) else []),
        *([f"{width - MOST_COLUMNS:,} more columns"] if width > MOST_COLUMNS else []),
    ]
    return {
        "form": "table",
        "summary": summary,
        "columns": [str(at) for at in range(flat.shape[1])],
        "rows": [[_number(each) for each in row] for row in flat],
        "cut": f"and {', '.join(more)}" if more else "",
    }


def archive(file: BinaryIO) -> dict[str, Any]:
    """The names in a ZIP archive, such as npz; nothing is decompressed."""
    import zipfile

    members = zipfile.ZipFile(file).infolist()
    rows = [[_cut(each.filename), f"{each.file_size:,}"] for each in members[:MOST_MEMBERS]]
    more = len(members) - len(rows)
    return {
        "form": "table",
        "summary": f"ZIP, {_count(len(members), 'file')}; the sizes are what it states",
        "columns": ["file", "bytes"],
        "rows": rows,
        "cut": f"and {_count(more, 'more file')}" if more else "",
    }


def exact_json(file: BinaryIO) -> dict[str, Any]:
    """A value with types, without those that are not plain JSON."""
    from stackfold.domain.errors import UnknownClass
    from stackfold.domain.exact_json.decoding import Decoder
    from stackfold.domain.exact_json.display import readable

    def unknown(name: str) -> Any:
        raise UnknownClass(name)

    decoder = Decoder(unknown, shows_unknown=True)
    value = readable(json.load(file, object_hook=decoder.decoded))
    return {"value": json.dumps(value, ensure_ascii=False)}


def _table(summary: str, schema: Any, batches: Iterable[Any], total: int | None) -> dict[str, Any]:
    shown = [*schema][:MOST_COLUMNS]
    rows = []
    for batch in batches:
        columns = [batch.column(at) for at in range(batch.num_columns)]
        for row in range(batch.num_rows):
            rows.append([_cell(column[row]) for column in columns[:MOST_COLUMNS]])
    more = []
    if total is not None and total > len(rows):
        more.append(f"{total - len(rows):,} more rows")
    if len(schema) > len(shown):
        more.append(f"{len(schema) - len(shown):,} more columns")
    return {
        "form": "table",
        "summary": summary,
        "columns": [_cut(each.name) for each in shown],
        "types": [_cut(str(each.type), 40) for each in shown],
        "rows": rows,
        "cut": f"and {', '.join(more)}" if more else "",
    }


def _cell(scalar: Any) -> str:
    value = scalar.as_py()
    return "—" if value is None else _number(value)


def _number(value: Any) -> str:
    """The text of a value; of a float, six significant digits."""
    is_float = isinstance(value, float) or type(value).__name__.startswith("float")
    return f"{value:.6g}" if is_float else _cut(str(value))


def _cut(text: str, most: int = LONGEST_CELL) -> str:
    text = text[: 4 * most].encode(errors="backslashreplace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


_PARSERS = {
    "parquet": parquet, "arrow": arrow, "npy": npy, "zip": archive, "exact-json": exact_json,
}  # fmt: skip


if __name__ == "__main__":
    try:
        answer = main(sys.argv[1], int(sys.argv[2]))
    except ImportError as error:
        answer = {"problem": f"{error.name} is not installed here"}
    except MemoryError:
        answer = {"problem": "parsing it takes too much memory"}
    except Exception as error:  # whatever a library raises for a damaged file
        answer = {"problem": f"it is damaged: {_cut(f'{type(error).__name__}: {error}', 200)}"}
    sys.stdout.write(json.dumps(answer))
