"""What pages show of artifacts, and that their bytes can do nothing in the pages."""

import json
import re
from typing import Annotated

import pytest
from browsing import HOSTILE, KEY, app_of, get
from small_s3 import SmallS3

from stackfold import Workspace, pipeline, step
from stackfold.application.artifacts import bounded_opening
from stackfold.web import create_app
from stackfold.web.pages import previews

HTML = b"<!doctype html><script>parent.alert(1)</script><h1>Report</h1>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000020000000308000000000000000000")
FIGURE = {"data": [{"type": "bar", "y": [1, 2]}], "layout": {"title": {"text": HOSTILE}}}


class Opaque:
    """Only a pickle can store it."""


def figure_page():
    begin = '<script type="application/json" id="stackfold-figure">'
    page = f'<html><script src="https://cdn.example/plotly.js"></script>{begin}'
    return f"{page}{json.dumps(FIGURE).replace('</', '<' + chr(92) + '/')}</script>".encode()


@step(enable_cache=False)
def make(
    version: int,
) -> tuple[
    Annotated[dict, "numbers"],
    Annotated[dict, "hostile"],
    Annotated[bytes, "html"],
    Annotated[bytes, "svg"],
    Annotated[bytes, "png"],
    Annotated[bytes, "csv"],
    Annotated[bytes, "figure"],
    Annotated[Opaque, "model"],
]:
    return (
        {"auc": 0.5 + version / 10, "rows": 1000},
        {HOSTILE: [HOSTILE]},
        HTML,
        SVG,
        PNG,
        f"{HOSTILE.replace(',', '')},b\n{HOSTILE},2\n".encode(),
        figure_page(),
        Opaque(),
    )


@step(enable_cache=False)
def use(numbers: dict) -> float:
    return numbers["auc"]


@pipeline
def training(version: int = 1):
    numbers, *_ = make(version)
    use(numbers)


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        for version in (1, 2, 2):
            workspace.runs.start(training, {"version": version})
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url):
    answer = get(app, url)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def id_of(ws, name):
    return ws.artifacts.get(f"training/make/{name}").view.id


def preview_of(app, ws, name):
    return shown(app, f"/previews/{id_of(ws, name)}")


def policy(answer):
    return dict(
        each.strip().partition(" ")[::2]
        for each in answer.headers["content-security-policy"].split(";")
    )


# -- the list


def test_the_latest_version_of_each_artifact_is_listed_and_filtered(app):
    text = text_of(shown(app, "/artifacts"))
    assert "training/make/numbers @3" in text
    assert "@2" not in text
    text = text_of(shown(app, "/artifacts?name=use"))
    assert "training/use/output" in text
    assert "training/make" not in text
    assert "stackfold artifact list --latest --name contains:use" in text
    assert "No artifact matches" in text_of(shown(app, "/artifacts?tag=none"))


def test_the_list_is_paged(app, monkeypatch):
    monkeypatch.setattr("stackfold.web.pages.artifacts.SIZE", 5)
    first, second = shown(app, "/artifacts"), shown(app, "/artifacts?page=2")
    names = [*re.findall(r'<th scope="row"><a[^>]*><bdi>([^<]+)', first + second)]
    assert len(names) == len(set(names)) == 9
    assert "Next page" not in second


def test_the_list_shows_what_was_the_latest_at_a_position(ws, app):
    first_run = ws.runs.list()[-1]
    position = next(
        each.position for each in ws.log.entries(detail="all") if each.name == first_run.name
    )
    assert "@1" in shown(app, f"/artifacts?as_of={position}")
    assert "@2" not in shown(app, f"/artifacts?as_of={position}")
    page = text_of(shown(app, f"/artifacts/training/make/numbers?as_of={position}"))
    assert "training/make/numbers @1" in page
    answer = get(app, f"/artifacts/training/make/numbers?version=2&as_of={position}")
    assert answer.status_code == 404
    answer = get(app, "/artifacts/training/make/numbers?as_of=1")
    assert answer.status_code == 404
    assert "its first version was recorded later" in text_of(answer.text)


# -- an artifact


def test_the_page_names_the_run_and_the_versions(ws, app):
    html = shown(app, "/artifacts/training/make/numbers")
    view = ws.artifacts.describe("training/make/numbers")
    text = text_of(html)
    assert f"made by run {view.run} on default revision 1" in text
    assert view.digest in text
    assert re.findall(r"@3.*@2.*same bytes.*@1", text)
    assert f"stackfold artifact export {view.name}@3 -o FILE" in text
    assert "training/make/numbers @1" in text_of(
        shown(app, "/artifacts/training/make/numbers?version=1")
    )


def test_the_page_draws_what_made_it_and_what_used_it(ws, app):
    html = shown(app, "/artifacts/training/make/numbers")
    run = ws.artifacts.describe("training/make/numbers").run
    assert f'href="/runs/{run}?step=make"' in html
    assert f'href="/runs/{run}?step=use"' in html
    assert "Made by 1 step" in text_of(html)
    assert "used by 1 step" in text_of(html)


def test_many_users_are_drawn_up_to_a_number(app, monkeypatch):
    monkeypatch.setattr("stackfold.web.pages.artifact.MOST_STEPS", 0)
    assert "and more, which are not drawn" in text_of(shown(app, "/artifacts/training/use/output"))


def test_two_versions_are_shown_side_by_side(ws, app):
    html = shown(app, "/artifacts/training/make/numbers?version=1&with=3")
    assert html.count('class="preview"') == 2
    text = text_of(html)
    assert "Version 1 beside version 3" in text
    assert re.search(r"Differs in @1 @3 run training-\w+ training-\w+", text)
    text = text_of(shown(app, "/artifacts/training/make/numbers?version=2&with=3"))
    assert "Same bytes: both have the SHA-256" in text


def test_a_short_reference_leads_to_the_page(app):
    answer = get(app, "/artifacts/training/use")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/artifacts/training/use/output"


def test_a_reference_with_a_version_leads_to_that_version(app, ws):
    numbers = ws.artifacts.get("training/make/numbers@2").view
    run = ws.artifacts.describe(numbers.id).run
    for reference in ("training/make/numbers@2", f"training/make/numbers@{run}", numbers.id):
        answer = get(app, f"/artifacts/{reference}?as_of=3&version=1")
        assert answer.status_code == 302
        assert answer.headers["location"] == "/artifacts/training/make/numbers?as_of=3&version=2"


@pytest.mark.parametrize(
    "path",
    [
        "/artifacts/training/make/nothing",
        "/artifacts/training/make/numbers?version=9",
        "/artifacts/../../etc/passwd",
        "/artifacts/%2e%2e/%2e%2e/etc",
        "/artifacts/training%2F..%2F..",
        "/artifacts/%00/a/b",
        "/previews/..%2f..%2fetc",
        "/pictures/nothing",
        "/downloads/%2e%2e",
        "/figures/a'b",
    ],
)
def test_what_does_not_exist_is_not_found(app, path):
    answer = get(app, path)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("query", ["with=1e9", "version=1&with=x"])
def test_a_version_to_compare_with_is_a_number(app, query):
    assert get(app, f"/artifacts/training/make/numbers?{query}").status_code == 400


# -- previews


def test_the_page_does_not_wait_for_the_content(app, ws):
    html = shown(app, "/artifacts/training/make/numbers")
    id = id_of(ws, "numbers")
    assert f'hx-get="/previews/{id}"' in html
    assert f'<a href="/previews/{id}">Show the preview</a>' in html
    assert "0.7" not in text_of(html)
    assert f'id="preview-{id}"' in shown(app, f"/previews/{id}")


def test_numbers_json_and_tables_are_text(app, ws):
    assert "auc 0.7 rows 1,000" in text_of(preview_of(app, ws, "numbers"))
    for name in ("hostile", "csv"):
        html = preview_of(app, ws, name)
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "&lt;script&gt;" in html


def test_a_pickle_is_not_read(app, ws, monkeypatch):
    monkeypatch.setattr(type(ws.artifacts), "open", None)
    assert "A pickle. Looking inside would execute" in preview_of(app, ws, "model")
    assert get(app, f"/pictures/{id_of(ws, 'model')}").status_code == 400


def test_a_picture_has_an_address_of_its_own(app, ws):
    id = id_of(ws, "png")
    assert f'<img src="/pictures/{id}"' in preview_of(app, ws, "png")
    answer = get(app, f"/pictures/{id}")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert policy(answer)["sandbox"] == ""
    assert policy(answer)["default-src"] == "'none'"


@pytest.mark.parametrize(("name", "media_type"), [("html", "text/html"), ("svg", "image/svg+xml")])
def test_html_and_svg_are_in_a_sandbox_without_scripts(app, ws, name, media_type):
    id = id_of(ws, name)
    html = preview_of(app, ws, name)
    assert f'<iframe sandbox="" src="/pictures/{id}"' in html
    assert "Report" not in html
    answer = get(app, f"/pictures/{id}")
    assert answer.headers["content-type"].startswith(media_type)
    assert policy(answer)["sandbox"] == ""
    assert "script-src" not in policy(answer)
    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["frame-ancestors"] == "'self'"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_figure_is_drawn_by_our_page_in_a_sandbox(ws, monkeypatch, tmp_path):
    script = tmp_path / "plotly.min.js"
    script.write_text("window.Plotly = {}")
    monkeypatch.setattr("stackfold.web.artifact_files.plotly_script", lambda: script)
    answer = get(app_of(ws), f"/figures/{id_of(ws, 'figure')}")
    assert answer.status_code == 200
    rules = policy(answer)
    assert rules["sandbox"] == "allow-scripts"
    assert rules["default-src"] == "'none'"
    nonce = re.fullmatch(r"'nonce-([\w-]{16,})'", rules["script-src"])[1]
    assert answer.text.count(f'<script nonce="{nonce}">') == 2
    assert "cdn.example" not in answer.text
    data = re.search(r'id="data">(.*?)</script>', answer.text, re.DOTALL)[1]
    assert "<" not in data
    assert json.loads(data) == FIGURE
    other = get(app_of(ws), f"/figures/{id_of(ws, 'figure')}")
    assert nonce not in other.text


def test_what_has_no_figure_is_no_figure(app, ws):
    assert get(app, f"/figures/{id_of(ws, 'csv')}").status_code in {400, 404}
    assert get(app, f"/pictures/{id_of(ws, 'csv')}").status_code == 400


def test_every_page_may_frame_only_its_own_addresses(app):
    rules = policy(get(app, "/artifacts"))
    assert rules["frame-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


# -- downloads


def test_a_download_has_the_bytes_and_a_harmless_name(app, ws):
    answer = get(app, f"/downloads/{id_of(ws, 'html')}")
    assert answer.content == HTML
    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert disposition == 'attachment; filename="training-make-html-v3.html"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in policy(answer)
    name = get(app, f"/downloads/{id_of(ws, 'numbers')}").headers["content-disposition"]
    assert name.endswith('numbers-v3.json"')


def test_the_key_is_needed_for_bytes_too(ws):
    locked = create_app(ws, key=KEY)
    for folder in ("previews", "pictures", "figures", "downloads"):
        assert get(locked, f"/{folder}/{id_of(ws, 'png')}").status_code == 401


# -- stores that have a problem


@pytest.fixture
def on_s3(tmp_path):
    with SmallS3() as server, Workspace.open(tmp_path / "home") as workspace:
        workspace.secrets.create("s3", {"key": "key", "secret": "secret"})
        lake = {"path": "s3://bucket/lake", "endpoint_url": server.url}
        credentials = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
        workspace.components.register("artifact_store", "lake", "s3", lake | credentials)
        workspace.stacks.register(
            "s3", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.runs.start(training)
        yield workspace, server


def test_a_store_that_never_answers_holds_up_no_page(on_s3, monkeypatch):
    ws, server = on_s3
    app = app_of(ws)
    assert "auc 0.6" in text_of(preview_of(app, ws, "numbers"))
    monkeypatch.setattr(previews, "SECONDS", 0.2)
    monkeypatch.setattr("stackfold.web.artifact_files.SECONDS", 0.2)
    monkeypatch.setattr("stackfold.web.artifact_files.DOWNLOAD_SECONDS", 0.2)
    server.speaks.clear()
    text = text_of(preview_of(app, ws, "numbers"))
    assert "did not answer within 0.2 s: try again later" in text
    assert "Try again" in text
    for folder in ("pictures", "downloads"):
        assert get(app, f"/{folder}/{id_of(ws, 'png')}").status_code == 503
    # The page itself does not ask the store.
    assert "SHA-256" in shown(app, "/artifacts/training/make/numbers")
    assert sum(bounded_opening._waiting.values()) <= bounded_opening.MOST_WAITING


def test_damaged_bytes_are_neither_shown_nor_sent(on_s3):
    ws, server = on_s3
    app = app_of(ws)
    for name in server.objects:
        server.objects[name] = server.objects[name][:-1] + b"?"
    text = text_of(preview_of(app, ws, "numbers"))
    assert "is damaged" in text
    assert "auc" not in text
    for folder in ("pictures", "downloads"):
        answer = get(app, f"/{folder}/{id_of(ws, 'png')}")
        assert answer.status_code == 500
        assert "is damaged" in text_of(answer.text)
    server.objects.clear()
    assert "no longer exists" in text_of(preview_of(app, ws, "numbers"))
