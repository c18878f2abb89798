"""Promotions, gates and aliases from the pages: shown first, confirmed with a reason."""

from typing import Annotated
from urllib.parse import urlencode

import pytest
from browsing import app_of, get
from confirming import confirm, fields_of, form_of, post, text_of

from stackfold import Output, Workspace, get_context, pipeline, step
from stackfold.errors import NotFound


@step
def train(strength: float) -> Annotated[dict[str, float], Output("weights")]:
    get_context().log_metadata({"auc": strength})
    return {"weight": strength}


@pipeline(model="fraud")
def training(strength: float = 0.91):
    train(strength)


@pytest.fixture
def ws():
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        for strength in (0.91, 0.89, 0.95):
            workspace.runs.start(training, {"strength": strength})
        workspace.models.set_gate("fraud", "auc >= 0.9", why="agreed")
        workspace.models.promote("fraud", 1, why="first one")
        yield workspace


@pytest.fixture
def app(ws):
    return app_of(ws, allow_changes=True)


def url(kind, **fields):
    return f"/changes/{kind}?{urlencode(fields)}"


PROMOTE = url("promote", model="fraud", version=3, alias="production")


def aliases(ws):
    return dict(ws.models.get("fraud").aliases)


def test_a_promotion_shows_what_it_would_record_and_then_records_it(ws, app):
    head = ws.log.head()
    text = text_of(get(app, PROMOTE).text)
    assert "Promote fraud@3 to production" in text
    assert "promoted model fraud production 1 3" in text
    assert "archived model version fraud@1" in text
    assert "stackfold model promote fraud 3 --to production" in text
    assert ws.log.head() == head
    answer = confirm(app, PROMOTE, "new features")
    assert answer.headers["location"].startswith("/changes/recorded?first=")
    assert aliases(ws) == {"production": 3}
    assert ws.models.version("fraud", 1).status == "archived"
    (entry,) = ws.models.history("fraud", 1)
    assert (entry.by, entry.why) == ("eve@example.com", "new features")
    assert "promoted model fraud" in text_of(get(app, answer.headers["location"]).text)


def test_what_a_gate_refuses_must_be_confirmed(ws, app):
    refused = url("promote", model="fraud", version=2, alias="production")
    head = ws.log.head()
    page = get(app, refused).text
    assert "Yes, although the gate refuses it: auc >= 0.9: 0.89 >= 0.9 is false" in text_of(page)
    assert "Record the refusal" in page
    assert ws.log.head() == head
    assert confirm(app, refused, "an emergency", confirmed="1").status_code == 303
    assert aliases(ws) == {"production": 2}
    assert ws.models.verdicts("fraud")[0].outcome == "forced"


@pytest.mark.parametrize("more", [{}, {"refused": "1"}, {"refused": "1", "confirmed": "1"}])
def test_a_refusal_is_recorded_as_on_the_command_line(ws, app, more):
    answer = confirm(app, url("promote", model="fraud", version=2, alias="production"), **more)
    position = ws.log.head().position
    assert answer.status_code == 403
    assert (
        f"the gate refuses it: auc >= 0.9: 0.89 >= 0.9 is false (recorded at {position})"
        in text_of(answer.text)
    )
    assert aliases(ws) == {"production": 1}
    found = ws.models.verdicts("fraud")[0]
    assert (found.number, found.outcome, found.position) == (2, "refused", position)
    assert (found.by, found.why) == ("eve@example.com", "a reason")
    action, fields = fields_of(answer.text)  # the page again, which can be confirmed now
    sent = post(app, action, {**fields, "why": "an emergency", "confirmed": "1"})
    assert sent.status_code == 303
    assert aliases(ws) == {"production": 2}


def test_nothing_is_recorded_if_another_version_was_promoted_meanwhile(ws, app):
    action, fields = form_of(app, PROMOTE)
    ws.models.promote("fraud", 3, "staging", why="shadow traffic")
    answer = post(app, action, {**fields, "why": "new features"})
    assert answer.status_code == 409
    assert "Changed since you looked" in text_of(answer.text)
    assert "shadow traffic" in text_of(answer.text)
    assert aliases(ws) == {"staging": 3, "production": 1}


def test_a_model_is_rolled_back_reverted_and_its_alias_removed(ws, app):
    ws.models.promote("fraud", 3, why="new features")
    before = ws.models.history("fraud", 1)[0].position
    assert confirm(app, url("rollback", model="fraud", alias="production")).status_code == 303
    assert aliases(ws) == {"production": 1}
    assert confirm(app, url("revert", model="fraud", to=before)).status_code == 303
    assert aliases(ws) == {"production": 3}
    assert confirm(app, url("clear", model="fraud", alias="production")).status_code == 303
    assert aliases(ws) == {}
    ws.models.delete("fraud")
    assert confirm(app, url("restore", model="fraud")).status_code == 303
    assert ws.models.get("fraud").latest == 3


def test_a_gate_is_set_and_removed(ws, app):
    rule = "auc >= 0.95 and auc > production.auc"
    assert (
        confirm(app, url("gate", model="fraud", alias="production", rule=rule)).status_code == 303
    )
    assert ws.models.get("fraud").gates == {"production": rule}
    assert confirm(app, url("gate", model="fraud", alias="production")).status_code == 303
    assert ws.models.get("fraud").gates == {}
    wrong = get(app, url("gate", model="fraud", alias="production", rule="auc > __import__('os')"))
    assert wrong.status_code == 400


def test_an_alias_of_an_artifact_is_set_moved_and_removed(ws, app):
    assert confirm(app, url("alias", artifact="weights", version=1, alias="ok")).status_code == 303
    text = text_of(get(app, url("alias", artifact="weights", version=2, alias="ok")).text)
    assert "weights@ok is version 2" in text
    assert confirm(app, url("alias", artifact="weights", version=2, alias="ok")).status_code == 303
    assert ws.artifacts.get("weights@ok").version == 2
    assert confirm(app, url("unalias", artifact="weights", alias="ok")).status_code == 303
    with pytest.raises(NotFound):
        ws.artifacts.get("weights@ok")


def test_an_alias_that_was_moved_meanwhile_is_not_moved(ws, app):
    ws.artifacts.alias("weights@1", "ok")
    action, fields = form_of(app, url("alias", artifact="weights", version=2, alias="ok"))
    ws.artifacts.alias("weights@3", "ok", why="it is newer")
    answer = post(app, action, {**fields, "why": "mine"})
    assert answer.status_code == 409
    assert ws.artifacts.get("weights@ok").version == 3


def test_pages_offer_the_changes_where_they_are_possible(ws, app):
    model = get(app, "/models/fraud").text
    assert "/changes/rollback?model=fraud&amp;alias=production" in model
    assert 'action="/changes/gate"' in model
    assert 'action="/changes/promote"' in get(app, "/models/fraud/versions/2").text
    assert 'action="/changes/alias"' in get(app, "/artifacts/weights").text
    position = ws.models.history("fraud")[-1].position
    assert (
        f"/changes/revert?model=fraud&amp;to={position}"
        in get(app, f"/models/fraud?as_of={position}").text
    )
    read_only = app_of(ws)
    for path in ("/models/fraud", "/models/fraud/versions/2", "/artifacts/weights"):
        assert "/changes/" not in get(read_only, path).text
        assert "/changes/" not in get(
            app, f"{path}?as_of={ws.log.head().position - 1}"
        ).text.replace("/changes/revert", "")


@pytest.mark.parametrize(
    "path",
    [
        url("promote", model="fraud", version=3),
        url("promote", model="nothing", version=3, alias="production"),
        url("promote", model="fraud", version=9, alias="production"),
        url("promote", model="fraud", version=3, alias="latest"),
        url("promote", model="fraud", version=1, alias="production"),
        url("rollback", model="fraud", alias="staging"),
        url("alias", artifact="weights", version=9, alias="ok"),
        url("unalias", artifact="weights", alias="ok"),
    ],
)
def test_what_is_impossible_is_said_and_records_nothing(ws, app, path):
    head = ws.log.head()
    assert 400 <= get(app, path).status_code < 500
    assert ws.log.head() == head
