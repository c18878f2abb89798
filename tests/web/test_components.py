"""The pages of components, flavors and deployments."""

import re
import time

import pytest
from browsing import HOSTILE, app_of, get
from full_log import end, full_log

from stackfold import Workspace

PAGES = (
    "/components",
    "/components/artifact_store/lake",
    "/components/model_deployer/plain",
    "/flavors",
    "/flavors/model_deployer/plain",
    "/flavors/artifact_store/s3",
    "/deployments",
    "/deployments/churn",
)


@pytest.fixture(scope="module")
def ws():
    with full_log() as workspace:
        yield workspace
        end(workspace)


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url):
    answer = get(app, url)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def position_of(ws, action, kind):
    return next(each.position for each in ws.log.entries(kind=kind) if each.action == action)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_recorded_texts_are_never_markup(app, page):
    html = shown(app, page)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "style=" not in html
    assert ">49" not in html


def test_components_are_listed_by_type_with_flavor_and_stacks(app):
    html = shown(app, "/components")
    assert re.findall(r"<h2 id=\"(\w+)\"", html) == [
        "artifact_store",
        "model_deployer",
        "orchestrator",
        "step_operator",
    ]
    assert "lake team=a local path=lake gone , prod , trial" in text_of(html)
    assert 'href="/components/artifact_store/lake"' in html
    assert 'href="/flavors/artifact_store/local"' in html
    assert 'href="/stacks/prod"' in html


def test_components_are_filtered_and_paged(app, monkeypatch):
    html = shown(app, "/components?flavor=plain")
    assert re.findall(r"<h2 id=\"(\w+)\"", html) == ["model_deployer"]
    assert "lake" in shown(app, "/components?type=artifact-store")
    assert get(app, "/components?type=nothing").status_code == 404
    monkeypatch.setattr("stackfold.web.pages.components.SIZE", 2)
    assert "page=2" in shown(app, "/components")
    assert "Next page" not in shown(app, "/components?page=3")


def test_a_component_has_its_documented_attributes_values_and_defaults(app):
    text = text_of(shown(app, "/components/artifact_store/lake"))
    assert "Artifact store of the flavor local" in text
    assert re.search(r"path The folder: .* lake string", text)
    assert "Used by 3 stacks : gone , prod , trial" in text
    assert "the disk is full" in text
    deployer = text_of(shown(app, "/components/model_deployer/plain"))
    assert re.search(r"password — default secret", deployer)
    assert re.search(r"fault empty default string", deployer)


def test_a_component_is_shown_as_it_was(ws, app):
    changed = position_of(ws, "updated", "artifact_store")
    text = text_of(shown(app, f"/components/artifact_store/lake?as_of={changed - 1}"))
    assert "revision 1" in text
    assert "artifacts default" in text
    assert "the disk is full" not in text
    assert "There was no such component" in shown(app, "/components/artifact_store/lake?as_of=3")
    assert "lake" not in text_of(shown(app, "/components?as_of=3"))


def test_a_deleted_component_has_its_history():
    with Workspace.in_memory() as ws:
        ws.components.register("artifact_store", "old", "local")
        ws.components.delete("artifact_store", "old", why="it never worked")
        text = text_of(shown(app_of(ws), "/components/artifact_store/old"))
        assert "It was deleted." in text
        assert "it never worked" in text
        assert get(app_of(ws), "/components/artifact_store/never").status_code == 404


def test_a_component_whose_flavor_cannot_be_imported_shows_what_was_set(app, monkeypatch):
    monkeypatch.setattr(
        "stackfold.infrastructure.system.packages.InstalledPackages.load", lambda *_: None
    )
    text = text_of(shown(app, "/components/model_deployer/plain"))
    assert "Only what was set is shown" in text
    assert "image" in text
    flavor = text_of(shown(app, "/flavors/model_deployer/plain"))
    assert "The attributes cannot be read here" in flavor


def test_flavors_are_listed_by_type_with_their_origin(app):
    text = text_of(shown(app, "/flavors"))
    assert "local built-in ✓ installed Keeps artifacts in a folder." in text
    assert re.search(r"mlflow mlflow . (not )?installed Tracks runs", text)
    assert "plain own ✓ installed" in text


def test_a_flavor_has_its_documented_attributes_and_its_components(app):
    text = text_of(shown(app, "/flavors/artifact_store/s3"))
    assert "From s3" in text
    assert re.search(r"path The .* required string", text)
    assert re.search(r"region \S.* us-east-1 string", text)
    text = text_of(shown(app, "/flavors/model_deployer/plain"))
    assert "Registered by a user" in text
    assert "plain_deployer.PlainDeployer" in text
    assert "broken in gone" in text
    assert get(app, "/flavors/model_deployer/nothing").status_code == 404


def test_a_deployment_has_its_recorded_and_its_current_state(app):
    text = text_of(shown(app, "/deployments"))
    assert re.search(
        r"churn ● started ✓ ready training/train/output@1 as churn-model@1 http://127\.0\.0\.1",
        text,
    )
    html = shown(app, "/deployments/churn")
    assert re.search(r"Recorded: ● started by eve .* Now: ✓ ready", text_of(html))
    assert 'href="/artifacts/training/train/output?version=1"' in html
    assert re.search(r'the run <a href="/runs/training-', html)
    assert 'href="/components/model_deployer/plain"' in html
    assert "go live" in html
    assert "listening" in html


def test_of_the_past_only_the_recorded_state_is_shown(ws, app):
    registered = next(
        each.position for each in ws.log.entries(name="churn") if each.action == "registered"
    )
    text = text_of(shown(app, f"/deployments/churn?as_of={registered}"))
    assert "◐ unfinished" in text
    assert "Now:" not in text
    assert "Log of its server" not in text
    assert "There was no such deployment" in shown(
        app, f"/deployments/churn?as_of={registered - 1}"
    )
    assert "No deployment at" in shown(app, f"/deployments?as_of={registered - 1}")


def test_a_server_that_hangs_does_not_hold_the_page(ws, app, monkeypatch):
    from plain_deployer import PlainDeployer

    def hang(*_):
        time.sleep(30)

    monkeypatch.setattr("stackfold.web.pages.limited.SECONDS", 0.05)
    monkeypatch.setattr(PlainDeployer, "health", hang)
    monkeypatch.setattr(PlainDeployer, "logs", hang)
    for url in ("/deployments", "/deployments/churn"):
        assert "it did not answer within" in text_of(shown(app, url))
    assert "The log could not be read within" in text_of(shown(app, "/deployments/churn"))


def test_a_deployer_that_raises_anything_does_not_break_the_page(app, monkeypatch):
    from plain_deployer import PlainDeployer

    def fail(*_):
        raise ConnectionResetError(HOSTILE)

    monkeypatch.setattr(PlainDeployer, "logs", fail)
    text = text_of(shown(app, "/deployments/churn"))
    assert "The log cannot be read: unexpected ConnectionResetError" in text


@pytest.mark.slow
def test_a_server_that_was_killed_is_down():
    with full_log() as ws:
        end(ws)
        text = text_of(shown(app_of(ws), "/deployments/churn"))
        assert "✕ down its server was killed" in text
        ws.deployments.delete("churn", forget=True)
        assert "It was deleted." in shown(app_of(ws), "/deployments/churn")


def test_what_a_server_writes_is_shown_as_text(app, monkeypatch):
    from plain_deployer import PlainDeployer

    monkeypatch.setattr(PlainDeployer, "logs", lambda *_: iter([f"{HOSTILE}\n" * 500]))
    html = shown(app, "/deployments/churn")
    assert "<script>alert" not in html
    assert "earlier lines not shown" in html
