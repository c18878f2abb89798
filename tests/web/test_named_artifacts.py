"""The page of artifacts with names of their own, with aliases, and of folders."""

import re
from html import unescape
from typing import Annotated

import pytest
from browsing import HOSTILE, app_of, get

from stackfold import Directory, Output, Workspace, pipeline, step
from stackfold.errors import InvalidFolder, NotFound, TooLarge


@step
def load(rows: int) -> Annotated[list[int], Output("sales", label="rows-{rows}")]:
    return [1] * rows


@step
def plain() -> int:
    return 1


@step
def draw() -> Directory:
    folder = Directory()
    (folder / "deep").mkdir()
    (folder / "deep" / "curve.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "notes.txt").write_text(HOSTILE)
    (folder / "table.csv").write_text("a,b\n1,2\n")
    for number in range(150):
        (folder / f"{number:03}.txt").write_text(str(number))
    return folder


@pipeline
def reporting(rows: int = 1):
    load(rows)
    plain()
    draw()


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory(actor="ada@example.com") as workspace:
        for rows in (1, 2, 3):
            workspace.runs.start(reporting, {"rows": rows})
        workspace.artifacts.alias("sales@1", "approved", HOSTILE)
        workspace.artifacts.alias("sales@2", "approved", "without outliers")
        workspace.artifacts.alias("reporting/plain", "best", "the only one")
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url, status=200):
    answer = get(app, url)
    assert answer.status_code == status, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(html)))


def test_an_own_name_has_a_page_with_labels_and_what_it_was_produced_as(app):
    text = text_of(shown(app, "/artifacts/sales"))
    assert "sales @3 rows-3 made by run reporting-" in text
    assert "produced as reporting/load/sales" in text
    assert "@2 approved rows-2" in text


def test_an_alias_says_who_moved_it_when_and_why(app, ws):
    html = shown(app, "/artifacts/sales")
    assert re.search(
        r"Aliases approved @2 A ada just now #\d+ without outliers 2 changes of aliases",
        text_of(html),
    )
    first = ws.artifacts.history("sales")[-1].position
    before = text_of(shown(app, f"/artifacts/sales?as_of={first}"))
    assert "Aliases approved @1 A ada" in before
    assert "without outliers" not in before
    assert "Aliases" not in text_of(shown(app, f"/artifacts/sales?as_of={first - 1}"))


def test_an_output_without_an_own_name_may_have_aliases_too(app):
    text = text_of(shown(app, "/artifacts/reporting/plain/output"))
    assert "Aliases best @1 A ada" in text


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("/artifacts/sales?version=approved", "/artifacts/sales?version=2"),
        ("/artifacts/sales@approved", "/artifacts/sales?version=2"),
        ("/artifacts/sales?version=rows-1", "/artifacts/sales?version=1"),
        ("/artifacts/reporting/load/sales", "/artifacts/sales"),
        ("/artifacts/reporting/load/sales?version=2", "/artifacts/sales?version=2"),
    ],
)
def test_other_references_lead_to_the_page_of_the_version(app, url, there):
    answer = get(app, url)
    assert (answer.status_code, answer.headers.get("location")) == (302, there)


@pytest.mark.parametrize("version", ["x", "-1", "1e9", "99"])
def test_a_version_is_a_number_an_alias_or_a_label(app, version):
    assert get(app, f"/artifacts/sales?version={version}").status_code == 404


def test_recorded_texts_are_never_markup(app):
    for url in ("/artifacts/sales", "/log"):
        html = shown(app, url)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html


# -- folders


def file_url(ws, folder, file):
    id = ws.artifacts.get("reporting/draw").view.id
    return f"/{folder}/{id}?file={file}"


def test_the_files_of_a_folder_are_listed_and_each_is_a_link(app, ws):
    html = shown(app, file_url(ws, "previews", ""))
    assert "Folder, 153 files" in text_of(html)
    assert html.count('<th scope="row"><a href="') == 100
    assert "and 53 more files" in text_of(html)
    assert "?file=000.txt" in html
    assert 'name="file"' in html


def test_a_file_of_a_folder_is_shown_as_text_table_or_picture(app, ws):
    notes = shown(app, file_url(ws, "previews", "notes.txt"))
    assert "<script>alert" not in notes
    assert "&lt;script&gt;alert(1)" in notes
    assert "Text" in text_of(notes) or "text" in text_of(notes)
    table = text_of(shown(app, file_url(ws, "previews", "table.csv")))
    assert "a b 1 2" in table
    drawing = shown(app, file_url(ws, "previews", "deep/curve.svg"))
    address = re.search(r'<iframe sandbox="" src="([^"]+)"', drawing)[1]
    answer = get(app, unescape(address))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_a_file_of_a_folder_is_downloaded_under_a_safe_name(app, ws):
    answer = get(app, file_url(ws, "downloads", "deep/curve.svg"))
    assert answer.headers["content-disposition"] == 'attachment; filename="curve.svg"'
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.content.startswith(b"<svg")


@pytest.mark.parametrize(
    "file", ["../../etc/passwd", "/etc/passwd", "deep", "deep/", "nothing.txt", "%00", "a\\b"]
)
def test_only_files_of_the_folder_are_found(app, ws, file):
    for folder in ("previews", "pictures", "downloads"):
        assert get(app, file_url(ws, folder, file)).status_code == 404


def test_a_single_file_has_no_files(app, ws):
    id = ws.artifacts.get("sales").view.id
    assert get(app, f"/downloads/{id}?file=x").status_code == 400
    with pytest.raises(InvalidFolder), ws.artifacts.open("sales", file="x"):
        pass


def test_a_program_opens_a_file_of_a_folder(ws):
    with ws.artifacts.open("reporting/draw", file="table.csv", timeout=10) as file:
        assert file.read() == b"a,b\n1,2\n"
    with pytest.raises(NotFound), ws.artifacts.open("reporting/draw", file="x"):
        pass
    with (
        pytest.raises(TooLarge, match=r"'table\.csv'"),
        ws.artifacts.open("reporting/draw", file="table.csv", max_bytes=3),
    ):
        pass
    assert ws.artifacts.preview("reporting/draw", file="table.csv").form == "table"
