"""What previews show of stored bytes, also of bytes that attack the viewer."""

import io
import json
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc
from pyarrow import parquet as pq

from stackfold.application.artifacts.previews import LARGEST, without_reading
from stackfold.infrastructure.previews import parsing_process, parsing_program
from stackfold.infrastructure.previews.preview_reader import Previews


def preview(data, materializer="bytes", seconds=20.0):
    return Previews().read(io.BytesIO(data), len(data), materializer, seconds)


def png(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def parquet(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


class Exploding:
    def __reduce__(self):
        return print, ("executed",)


# -- JSON and text


def test_numbers_are_shown_with_their_names():
    found = preview(b'{"auc": 0.912345678, "rows": 1000}', "json")
    assert found.form == "numbers"
    assert found.rows == (("auc", "0.912346"), ("rows", "1,000"))
    assert preview(b"0.5", "json").rows == (("", "0.5"),)


def test_json_is_laid_out():
    found = preview(b'{"a": [true, "<script>"]}', "json")
    assert (found.form, found.summary) == ("json", "JSON, 1 key")
    assert json.loads(found.text) == {"a": [True, "<script>"]}


def test_values_with_types_are_shown_without_their_classes():
    data = json.dumps({"$object": "os.system", "fields": {}, "at": {"$tuple": [1, 2]}}).encode()
    found = preview(data, "json")
    assert found.form in {"json", "other"}
    assert "1" in preview(b'{"at": {"$tuple": [1, 2]}}', "json").text


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 500_000,
        b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
        b"9" * 500_000,
        b'{"$fraction": ["1e999999999", 1]}',
        b'[{"$range": [0, 1000000000000, 1]}]',
        b'{"$tuple": ' * 50_000,
    ],
)
def test_json_bombs_are_not_shown(bomb):
    found = preview(bomb, "json", seconds=10.0)
    assert found.form in {"other", "json"}
    assert len(found.text) <= 20_000


def test_long_text_is_cut():
    found = preview("é\n".encode() * 100_000)
    assert found.form == "text"
    assert found.cut == "The rest is not shown."
    assert len(found.text.splitlines()) == 400
    assert "\ufffd" not in found.text


def test_the_first_rows_of_csv_are_a_table():
    data = "name,value\n" + "".join(f'"a,{at}",{at}\n' for at in range(100))
    found = preview(data.encode())
    assert found.columns == ("name", "value")
    assert found.rows[3] == ("a,3", "3")
    assert (len(found.rows), found.cut) == (12, "and 88 more rows")


@pytest.mark.parametrize("text", ["a, b\nonly text\nc", '"never closed,1\n' * 3, "one line, two"])
def test_other_text_is_no_table(text):
    assert preview(text.encode()).form == "text"


def test_no_bytes_are_empty():
    assert preview(b"").summary == "Empty."


# -- pictures and pages


@pytest.mark.parametrize(
    ("data", "media_type", "size"),
    [
        (png(640, 480), "image/png", "640 × 480"),
        (b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0" * 9, "image/gif", "3 × 2"),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08"
            + struct.pack(">HH", 2, 3)
            + b"\0" * 9,
            "image/jpeg",
            "3 × 2",
        ),
        (
            b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x02\0\0\x01\0\0" + b"\0" * 9,
            "image/webp",
            "3 × 2",
        ),
    ],
)
def test_pictures_have_a_size(data, media_type, size):
    found = preview(data)
    assert (found.form, found.media_type) == ("picture", media_type)
    assert f"{size} pixels" in found.summary


def test_a_picture_of_too_many_pixels_is_not_shown():
    found = preview(png(60_000, 60_000), "png")
    assert (found.form, found.media_type) == ("other", "")
    assert "60,000 × 60,000 pixels: too large" in found.summary


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", png(0, 0)])
def test_a_damaged_picture_is_not_shown(data):
    assert preview(data).form == "other"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "page"),
        (b"\n <HTML><body onload=alert(1)>", "page"),
        (b"<?xml version='1.0'?><!-- a --><svg onload='alert(1)'/>", "drawing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "drawing"),
    ],
)
def test_pages_and_drawings_are_known_by_their_content(data, form):
    assert preview(data).form == form


# -- tables


def test_the_first_rows_of_parquet_are_read_with_their_types():
    table = pa.table({"age": [*range(1000)], "city": ["Oslo", None] * 500})
    found = preview(parquet(table), "pandas")
    assert found.summary == "Parquet, 1,000 rows, 2 columns"
    assert found.columns == ("age", "city")
    assert found.types == ("int64", "string")
    assert found.rows[:2] == (("0", "Oslo"), ("1", "—"))
    assert (len(found.rows), found.cut) == (12, "and 988 more rows")


def test_of_many_columns_the_first_are_shown():
    table = pa.table({f"c{at}": [at] for at in range(2000)})
    found = preview(parquet(table), "polars")
    assert len(found.columns) == len(found.rows[0]) == 30
    assert found.cut == "and 1,970 more columns"


def test_nested_columns_and_long_texts_are_cut():
    table = pa.table({"long": ["x" * 10_000], "list": [[*range(10_000)]], "<b>": [{"a": 1}]})
    found = preview(parquet(table), "pandas")
    assert max(map(len, found.rows[0])) == 80
    assert found.columns[2] == "<b>"


def test_a_row_group_that_is_huge_when_decompressed_is_not_read():
    table = pa.table({"zeros": pa.array(np.zeros(2**26))})
    data = parquet(table, compression="zstd", use_dictionary=False, row_group_size=2**26)
    assert len(data) < 2**20
    found = preview(data, "pandas")
    assert "too large when decompressed" in found.summary
    assert not found.rows


def test_parquet_with_equal_names_has_columns_only():
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert preview(parquet(table), "pandas").columns == ("a", "a")


def test_an_arrow_stream_is_read_until_there_are_enough_rows():
    file = io.BytesIO()
    batch = pa.record_batch({"n": [*range(5)]})
    with ipc.new_stream(file, batch.schema) as writer:
        for _ in range(100):
            writer.write_batch(batch)
    found = preview(file.getvalue(), "arrow")
    assert [row[0] for row in found.rows] == ["0", "1", "2", "3", "4"] * 2 + ["0", "1"]


@pytest.mark.parametrize("cut", [10, 100, 1000])
def test_truncated_files_say_that_they_are_damaged(cut):
    table = pa.table({"n": np.random.default_rng(0).normal(size=1000)})
    found = preview(parquet(table)[:-cut], "pandas")
    assert found.form == "other"
    assert "damaged" in found.summary


# -- arrays and archives


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_first_rows_of_an_array_are_shown(order):
    array = np.asarray(np.arange(300, dtype=np.float64).reshape(100, 3) / 4, order=order)
    found = preview(npy(array), "numpy")
    assert found.summary == "Array of 100 × 3, float64"
    assert found.rows[1] == ("0.75", "1", "1.25")
    assert found.cut == "and 88 more rows"


def test_a_numpy_number_is_a_number():
    assert preview(npy(np.float32(0.25)), "numpy").rows == (("", "0.25"),)


def test_arrays_of_objects_are_never_unpickled(capfd):
    found = preview(npy(np.array([Exploding()])), "numpy")
    assert found.form == "pickle"
    assert "executed" not in capfd.readouterr().out


def test_an_array_that_states_more_elements_than_it_has_is_damaged():
    data = npy(np.zeros(4))
    found = preview(data.replace(b"(4,), }     ", b"(9999999999,),}"[:12]), "numpy")
    assert found.form in {"other", "table"}
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }"
    padded = header + b" " * (117 - len(header)) + b"\n"
    bomb = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded
    assert "damaged" in preview(bomb, "numpy").summary


def test_of_an_archive_only_the_names_are_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", b"\0" * 2**28)
        for at in range(100):
            archive.writestr(f"../../etc/{at}<b>", b"")
    found = preview(file.getvalue())
    assert found.rows[0] == ("zeros.npy", "268,435,456")
    assert found.rows[1][0] == "../../etc/0<b>"
    assert found.cut == "and 51 more files"


# -- pickles


def test_pickles_are_never_read(capfd):
    data = pickle.dumps(Exploding())
    assert without_reading("cloudpickle", 1).form == "pickle"
    assert preview(data).form == "pickle"
    assert "executed" not in capfd.readouterr().out


@pytest.mark.parametrize("materializer", ["numpy", "pandas", "png", "arrow", "figure-html"])
@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"MZ\0\0", b"a,b\n1,2\n"])
def test_bytes_that_their_materializer_does_not_write_are_not_shown(materializer, data):
    found = preview(data, materializer)
    assert (found.form, found.text) == ("other", "")
    assert f"not what the materializer '{materializer}' writes" in found.summary


def test_a_picture_that_calls_itself_json_is_no_picture():
    assert preview(png(2, 2), "json").form == "other"


def test_what_is_too_large_is_not_read():
    assert "larger than 64 MiB" in without_reading("pandas", LARGEST + 1).summary
    assert without_reading("pandas", LARGEST) is None


# -- the process


def test_a_file_that_takes_too_long_is_given_up(monkeypatch, tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(parsing_process, "PROGRAM", slow)
    found = preview(npy(np.zeros(3)), "numpy", seconds=0.5)
    assert found.summary == "No preview: parsing it takes more than 0.5 s."


def test_a_parser_that_crashes_takes_nothing_with_it(monkeypatch, tmp_path):
    crashing = tmp_path / "crashing.py"
    crashing.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(parsing_process, "PROGRAM", crashing)
    assert preview(npy(np.zeros(3)), "numpy").form == "other"


def test_a_file_is_parsed_with_little_memory(monkeypatch, tmp_path):
    greedy = tmp_path / "greedy.py"
    source = parsing_program.__file__
    greedy.write_text(
        f"import runpy, sys\nmodule = runpy.run_path({source!r})\n"
        "module['_PARSERS']['npy'] = lambda file: {'summary': len(bytearray(8 * 2**30))}\n"
        "import json\ntry:\n    print(json.dumps(module['main'](sys.argv[1], 5)))\n"
        "except MemoryError:\n    print(json.dumps({'problem': 'too much memory'}))\n"
    )
    monkeypatch.setattr(parsing_process, "PROGRAM", greedy)
    assert preview(npy(np.zeros(3)), "numpy").summary == "No preview: too much memory."


def test_the_process_has_no_secrets(monkeypatch, tmp_path):
    monkeypatch.setenv("STACKFOLD_SECRET_S3_KEY", "hidden")
    printing = tmp_path / "printing.py"
    printing.write_text(
        "import json, os\nprint(json.dumps({'form': 'text', 'summary': ' '.join(os.environ)}))\n"
    )
    monkeypatch.setattr(parsing_process, "PROGRAM", printing)
    assert "SECRET" not in preview(npy(np.zeros(3)), "numpy").summary
