"""A model registry follows the log: it is written after a change, and never blocks one."""

import json
import threading

import pytest
from file_registry import FileRegistry

from stackfold.application.notices import notices_to
from stackfold.application.runs.context import get_context
from stackfold.domain.errors import (
    Conflict,
    ModelRegistryRejected,
    ModelRegistryUnavailable,
    NotFound,
    NotInStack,
    PromotionRefused,
)
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.reactions.sync_model_registry import SYNC_MODEL_REGISTRY

REGISTRY = "model_registry"


@step
def train(auc: float) -> float:
    get_context().log_metadata({"auc": auc})
    return auc


def training(auc: float = 0.9):
    train(auc)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "registry"


@pytest.fixture
def registered(ws, folder):
    """A workspace with a registry of files, and three versions of the model "fraud"."""
    ws.flavors.register(REGISTRY, "file_registry.FileRegistry")
    ws.components.register(REGISTRY, "files", "files", {"path": str(folder)})
    ws.stacks.register(
        "prod",
        orchestrator="default",
        artifact_store="default",
        model_registry="files",
        activate=True,
    )
    for auc in (0.9, 0.8, 0.95):
        ws.runs.start(Pipeline(training, model="fraud"), {"auc": auc})
    return ws


@pytest.fixture
def away(registered, folder):
    """Makes the registry unavailable, and available again."""

    def move(away, **configuration):
        path = folder / "models" if not away else folder / "fraud.json" / "below"
        folder.mkdir(exist_ok=True)
        (folder / "fraud.json").touch()
        registered.components.update(REGISTRY, "files", {"path": str(path), **configuration})

    return move


def content(folder):
    return json.loads((folder / "fraud.json").read_text())


def change(folder, alias, id):
    """Change the registry by hand."""
    found = content(folder)
    if id is None:
        del found["aliases"][alias]
    else:
        found["aliases"][alias] = id
    (folder / "fraud.json").write_text(json.dumps(found))


def test_a_promotion_records_what_identifies_the_version_in_the_registry(registered, folder):
    registered.models.promote("fraud", 1, why="first one")
    version = registered.models.version("fraud", 1)
    entry = next(iter(registered.log.entries(limit=1)))
    assert (entry.kind, entry.action) == ("model_version", "published")
    assert content(folder)["aliases"] == {"production": version.id}
    facts = content(folder)["versions"][version.id]
    assert (facts["stackfold.version"], facts["stackfold.run"]) == ("1", version.run)
    assert (folder / version.id).read_bytes() == b"0.9"
    loaded = registered.repository.load(ModelVersion, version.id)
    assert [*loaded.published.values()] == [{"model": "fraud", "id": version.id}]


def test_a_refused_promotion_does_not_reach_the_registry(registered, folder):
    registered.models.promote("fraud", 1)
    registered.models.set_gate("fraud", "auc > production.auc")
    before = content(folder)
    with pytest.raises(PromotionRefused):
        registered.models.promote("fraud", 2)
    assert content(folder) == before


def test_undo_takes_back_the_promotion_and_not_what_was_published(registered, folder):
    registered.models.promote("fraud", 1)
    registered.models.promote("fraud", 3)
    assert {each.kind for each in registered.undo()} == {"model", "model_version"}
    assert registered.models.get("fraud").aliases == {"production": 1}
    assert content(folder)["aliases"] == {"production": registered.models.version("fraud", 1).id}
    assert len(content(folder)["versions"]) == 2


def test_a_strict_registry_raises_after_the_promotion_is_recorded(registered, away):
    away(True, strict=True)
    with pytest.raises(ModelRegistryUnavailable):
        registered.models.promote("fraud", 1)
    assert registered.models.get("fraud").aliases == {"production": 1}


def test_the_next_change_catches_up(registered, away):
    away(True)
    with notices_to(lambda text: None):
        registered.models.promote("fraud", 1)
    away(False)
    registered.models.promote("fraud", 3, "champion")
    assert registered.model_registries.check() == []


def test_the_reaction_catches_up(registered, away):
    registered.reactions.run([SYNC_MODEL_REGISTRY], timeout=0)
    away(True)
    with notices_to(lambda text: None):
        registered.models.promote("fraud", 1)
    (view,) = registered.reactions.run([SYNC_MODEL_REGISTRY], timeout=0)
    assert view.retrying == 1
    away(False)
    assert [each.what for each in registered.model_registries.check()] == [
        "version 1",
        "alias production",
    ]
    (failed,) = registered.reactions.failed()
    registered.reactions.retry(SYNC_MODEL_REGISTRY.name, failed.position)
    registered.reactions.run([SYNC_MODEL_REGISTRY], timeout=0)
    assert registered.model_registries.check() == []


def test_a_change_of_several_commands_is_sent_by_the_reaction(registered, folder):
    registered.reactions.run([SYNC_MODEL_REGISTRY], timeout=0)
    with registered.change(why="release"):
        registered.models.promote("fraud", 1)
        registered.models.promote("fraud", 1, "champion")
        assert not (folder / "fraud.json").exists()
    registered.reactions.run([SYNC_MODEL_REGISTRY], timeout=0)
    assert {*content(folder)["aliases"]} == {"production", "champion"}


def test_what_was_changed_by_hand_is_shown_and_put_right(registered, folder):
    registered.models.promote("fraud", 1)
    registered.models.promote("fraud", 2, "champion")
    registered.models.remove_alias("fraud", "champion")
    first, second = (registered.models.version("fraud", each).id for each in (1, 2))
    change(folder, "production", second)
    change(folder, "champion", first)
    found = registered.model_registries.check("fraud")
    assert [each[1:] for each in found] == [
        ("alias production", "1", "2"),
        ("alias champion", "", "1"),
    ]
    assert registered.model_registries.sync() == found
    assert content(folder)["aliases"] == {"production": first}


def test_versions_and_aliases_of_others_stay(registered, folder):
    registered.models.promote("fraud", 1)
    found = content(folder)
    found["versions"]["theirs"] = {}
    found["aliases"] |= {"blessed": "theirs", "reviewed": registered.models.version("fraud", 1).id}
    (folder / "fraud.json").write_text(json.dumps(found))
    assert registered.model_registries.check() == []
    registered.models.promote("fraud", 3)
    assert {"blessed", "reviewed", "production"} == {*content(folder)["aliases"]}
    numbers = [each.number for each in registered.model_registries.versions("fraud")]
    assert numbers == [1, None, 3]


def test_a_version_is_withdrawn_unless_an_alias_stands_for_it(registered, folder):
    registered.models.promote("fraud", 1)
    with pytest.raises(Conflict, match=r"fraud@1 is production"):
        registered.model_registries.withdraw("fraud", 1)
    registered.models.promote("fraud", 3)
    registered.model_registries.withdraw("fraud", 1)
    assert [*content(folder)["versions"]] == [registered.models.version("fraud", 3).id]
    assert registered.model_registries.check() == []
    with pytest.raises(NotFound, match="not in the model registry 'files'"):
        registered.model_registries.withdraw("fraud", 1)


def test_one_version_that_cannot_be_published_does_not_stop_the_others(registered, monkeypatch):
    registered.stacks.activate("default")
    registered.models.promote("fraud", 1, "staging")
    registered.models.promote("fraud", 3)
    registered.stacks.activate("prod")
    publish = FileRegistry.publish

    def reject(self, version):
        if version.number == 1:
            raise ModelRegistryRejected("here", "too large")
        return publish(self, version)

    monkeypatch.setattr(FileRegistry, "publish", reject)
    with pytest.raises(ModelRegistryRejected, match="too large"):
        registered.model_registries.sync()
    standing = {
        alias: each.number
        for each in registered.model_registries.versions("fraud")
        for alias in each.aliases
    }
    assert standing == {"production": 3}


def test_an_unexpected_error_of_a_flavor_becomes_one_line(registered, monkeypatch):
    def fail(self, model):
        raise KeyError("multi\nline")

    monkeypatch.setattr(FileRegistry, "versions", fail)
    notices = []
    with notices_to(notices.append):
        registered.models.promote("fraud", 1)
    (notice,) = notices
    assert "KeyError" in notice
    assert "\n" not in notice
    assert registered.models.get("fraud").aliases == {"production": 1}


def test_an_output_must_be_marked_if_a_run_has_several(registered):
    @step(name="other")
    def other() -> int:
        return 1

    def two():
        train(0.5)
        other()

    registered.runs.start(Pipeline(two, model="two"))
    with pytest.raises(Conflict, match="its run has 2 outputs; give one of them the tag 'model'"):
        registered.model_registries.publish("two", 1)


def test_a_stack_without_a_registry_says_how_to_add_one(registered):
    with pytest.raises(NotInStack, match="model-registry"):
        registered.model_registries.check(stack="default")


def test_two_promotions_at_once_leave_the_registry_as_the_log(registered):
    def promote(version, alias):
        for _ in range(3):
            registered.models.promote("fraud", version, alias)
            registered.models.remove_alias("fraud", alias)

    threads = [
        threading.Thread(target=promote, args=each) for each in ((1, "champion"), (3, "best"))
    ]
    with notices_to(lambda text: None):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    registered.model_registries.sync()
    assert registered.model_registries.check() == []
