"""The pages of models and their versions: as they are, and as they were at each position."""

import re
from html import unescape

import pytest
from browsing import HOSTILE, app_of, get

from stackfold import Workspace, get_context, pipeline, step
from stackfold.errors import PromotionRefused


@step
def train(strength: float) -> dict[str, float]:
    return {"weight": strength}


@step
def evaluate(model: dict[str, float]) -> None:
    get_context().log_metadata({"auc": model["weight"]})


@pipeline(model="fraud")
def training(strength: float = 0.91):
    evaluate(train(strength))


@step
def fail() -> int:
    raise ValueError("no data")


@pipeline(model="fraud")
def failing():
    fail()


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory(actor="ada@example.com") as workspace:
        for strength in (0.91, 0.89, 0.95):
            workspace.runs.start(training, {"strength": strength})
        workspace.models.update("fraud", description=HOSTILE, tags=["team:risk"])
        workspace.models.set_gate("fraud", "auc >= 0.9 and auc > production.auc", why=HOSTILE)
        workspace.models.promote("fraud", 1, why="first one")
        with pytest.raises(PromotionRefused):
            workspace.models.promote("fraud", 2)
        workspace.models.promote("fraud", 3, why="new features")
        workspace.models.promote("fraud", 2, "champion", why="to try")
        workspace.models.rollback("fraud", why="complaints from support")
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


def promoted_at(ws, number):
    return next(each.position for each in ws.models.verdicts("fraud", number)[::-1])


def test_the_list_has_what_is_promoted_and_the_gates(app):
    html = shown(app, "/models")
    text = text_of(html)
    assert "production @1 champion @2 @3 production: auc >= 0.9 and auc > production.auc" in text
    assert 'href="/models/fraud/versions/1"' in html
    assert "No model has such a name" in text_of(shown(app, "/models?name=churn"))


def test_every_page_leads_to_the_models(app):
    assert 'href="/models">Models</a>' in shown(app, "/")


def test_an_alias_says_who_promoted_its_version_when_and_why(app):
    text = text_of(shown(app, "/models/fraud"))
    assert re.search(r"production @1 auc=0.91 rolled back by A ada just now #\d+ complaints", text)
    assert re.search(r"champion @2 auc=0.89 promoted by A ada just now #\d+ to try none", text)


def test_versions_have_metrics_and_can_be_compared(app):
    html = shown(app, "/models/fraud")
    assert re.search(r"@3 ▫ archived 0.95 training-\w+ default revision 1", text_of(html))
    assert 'name="versions" value="3"' in html
    assert 'action="/models/fraud/compare"' in html


def test_the_history_has_what_a_gate_found(app):
    text = text_of(shown(app, "/models/fraud"))
    assert re.search(
        r"ada was refused a promotion of model fraud [^✕]*✕ refused the gate auc >= 0.9 and auc > "
        r"production.auc ✕ not met: auc >= 0.9: 0.89 >= 0.9 is false",
        text,
    )
    assert "✓ passed the gate" in text


def test_the_page_is_as_it_was_at_a_position(app, ws):
    at = promoted_at(ws, 3)
    text = text_of(shown(app, f"/models/fraud?as_of={at}"))
    assert f"The state at #{at} " in text
    assert re.search(r"production @3 auc=0.95 promoted by A ada just now #\d+ new features", text)
    assert "What has changed since then production 3 1 champion 2" in text
    assert f"stackfold model revert fraud --as-of '#{at}' --dry-run" in text
    assert "2 later changes" in text
    before = text_of(shown(app, "/models/fraud?as_of=5"))
    assert "There was no such model at #5." in before


def test_the_slider_begins_where_the_model_was_registered(app, ws):
    registered = ws.models.history("fraud")[-1].position
    html = shown(app, "/models/fraud")
    assert f'min="{registered}" max="{ws.log.head().position}"' in html


def test_a_version_has_what_it_was_made_of_and_where_it_was_promoted(app):
    html = shown(app, "/models/fraud/versions/3")
    text = text_of(html)
    assert "fraud @3 ▫ archived made by run training-" in text
    assert "Metrics auc 0.95" in text
    assert "training/train/output@3 what @3 stands for" in text
    assert "strength 0.95" in text
    assert re.search(
        r"production promoted by A ada just now #\d+ new features until just now"
        r" #\d+ : ada rolled back to @1 complaints from support",
        text,
    )
    assert 'href="/artifacts/training/train/output?version=3"' in html
    assert "No alias has stood for it." not in text


def test_a_version_has_what_gates_found_about_it(app):
    text = text_of(shown(app, "/models/fraud/versions/2"))
    assert "What gates found production asked by A ada" in text
    assert "✕ not met: auc > production.auc: 0.89 > 0.91 is false" in text


def test_a_version_is_found_by_its_alias(app):
    answer = get(app, "/models/fraud/versions/production")
    assert (answer.status_code, answer.headers["location"]) == (302, "/models/fraud/versions/1")


def test_versions_are_compared_side_by_side(app):
    text = text_of(shown(app, "/models/fraud/compare?versions=1,3"))
    assert "fraud @1 → @3" in text
    assert "Metric @1 @3 auc 0.91 0.95 +0.04" in text
    assert "Possible causes Parameters Field @1 @3 strength 0.91 0.95" in text
    assert "ringed" in text
    three = text_of(shown(app, "/models/fraud/compare?versions=latest&versions=2&versions=1"))
    assert "Metric @3 @2 @1 auc 0.95 0.89 -0.06 0.91 -0.04" in three
    assert "Choose two or more versions" in text_of(shown(app, "/models/fraud/compare?versions=1"))


def test_recorded_texts_are_never_markup(app):
    for url in ("/models", "/models/fraud", "/models/fraud/versions/1", "/log"):
        html = shown(app, url)
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "style=" not in html
        assert "{{" not in html.replace("{{ 7*7 }}", "")
    assert "&lt;script&gt;alert(1)" in shown(app, "/models/fraud")


def test_what_does_not_exist_is_said(app):
    assert "there is no model" in text_of(shown(app, "/models/churn", 404))
    assert "'fraud' has 1, 2, 3" in text_of(shown(app, "/models/fraud/versions/9", 404))
    assert shown(app, "/models/fraud?below=x", 400)


def test_models_are_linked_in_the_log(app):
    html = shown(app, "/log")
    assert 'href="/models/fraud"' in html
    assert 'href="/models/fraud/versions/3"' in html


def test_versions_are_paged_and_those_of_failed_runs_hidden():
    with Workspace.in_memory(actor="ada@example.com") as ws:
        for number in range(45):
            ws.runs.start(training, {"strength": number / 100})
        with pytest.raises(Exception, match="no data"):
            ws.runs.start(failing)
        app = app_of(ws)
        first = shown(app, "/models/fraud")
        assert "@46" not in text_of(first)
        assert text_of(first).count("✓ completed") == 40
        assert 'href="/models/fraud?below=6"' in first
        rest = text_of(shown(app, "/models/fraud?below=6"))
        assert rest.count("✓ completed") == 5
        assert "◐ open" in text_of(shown(app, "/models/fraud?all=1"))


def test_a_deleted_model_has_its_history(ws):
    with Workspace.in_memory(actor="ada@example.com") as other:
        other.models.register("churn")
        other.models.delete("churn", why="never used")
        text = text_of(shown(app_of(other), "/models/churn"))
        assert "It was deleted." in text
        assert "never used" in text
