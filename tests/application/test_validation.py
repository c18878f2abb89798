"""What a stack must hold: one table of rules, asked when it is composed and when it is used."""

import sys
from pathlib import Path

import pytest
from runnable import training
from workspaces import ORCHESTRATOR, STORE, stack

from stackfold.application.stacks.validation import RULES, ValidationPhase
from stackfold.domain.errors import InvalidStack, NotInstalled
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.packages import InstalledPackages

REGISTRY = ComponentType.CONTAINER_REGISTRY
BUILDER = ComponentType.IMAGE_BUILDER

FLAVORS = {
    ORCHESTRATOR: ("Cluster", "Boxes"),
    STORE: ("Lake",),
    REGISTRY: ("Hub",),
    BUILDER: ("Builder",),
}


@pytest.fixture
def ws(ws, monkeypatch):
    """With a component of each of the flavors of `own_stacks`, called like its flavor."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent)])
    for type, classes in FLAVORS.items():
        for name in classes:
            ws.flavors.register(type, f"own_stacks.{name}")
            ws.components.register(type, name.lower(), name.lower())
    return ws


def violations(operation):
    with pytest.raises(InvalidStack) as caught:
        operation()
    assert "\n" not in str(caught.value)
    return [tuple(each) for each in caught.value.violations]


UNREACHABLE = (
    "orchestrator 'cluster' runs on other machines, which cannot reach artifact store 'default'"
)


def test_a_remote_orchestrator_needs_a_store_that_it_can_reach(ws):
    assert violations(lambda: stack(ws, "prod", orchestrator="cluster")) == [
        (UNREACHABLE, "give --artifact-store lake too")
    ]
    assert [each.name for each in ws.stacks.list()] == ["default"]
    stack(ws, "prod", orchestrator="cluster", artifact_store="lake")


def test_the_error_is_one_line_with_all_that_is_wrong(ws):
    with pytest.raises(InvalidStack) as caught:
        stack(ws, "prod", orchestrator="boxes")
    assert str(caught.value) == (
        "stack 'prod' cannot work: "
        "orchestrator 'boxes' needs a container registry: give --container-registry hub too; "
        "orchestrator 'boxes' needs an image builder: give --image-builder builder too; "
        "orchestrator 'boxes' runs on other machines, which cannot reach artifact store "
        "'default': give --artifact-store lake too"
    )


def test_where_nothing_suits_it_says_how_to_register_one(ws):
    ws.components.delete(BUILDER, "builder")
    found = violations(lambda: stack(ws, "p", orchestrator="boxes", artifact_store="lake"))
    assert found[1] == (
        "orchestrator 'boxes' needs an image builder",
        "register one by `stackfold image-builder register`, then give --image-builder NAME too",
    )


def test_a_registry_on_this_machine_is_of_no_use_elsewhere(ws):
    ws.components.register(REGISTRY, "here", "default", {"uri": "localhost:5000"})
    found = violations(
        lambda: stack(
            ws,
            "prod",
            orchestrator="boxes",
            artifact_store="lake",
            container_registry="here",
            image_builder="builder",
        )
    )
    assert found == [
        (
            "orchestrator 'boxes' pulls images on other machines, which cannot reach container "
            "registry 'here'",
            "give --container-registry hub too",
        )
    ]


def test_an_update_is_checked_and_the_mend_is_a_command(ws):
    stack(ws, "prod")
    fix = "run `stackfold stack update prod --artifact-store lake`"
    assert violations(lambda: ws.stacks.update("prod", orchestrator="cluster")) == [
        (UNREACHABLE, fix)
    ]
    assert ws.stacks.get("prod").revision == 1
    ws.stacks.update("prod", orchestrator="cluster", artifact_store="lake")
    found = violations(lambda: ws.stacks.update("prod", artifact_store="default"))
    assert found == [(UNREACHABLE, fix)]


def test_removing_what_is_needed_is_refused(ws):
    stack(
        ws,
        "prod",
        orchestrator="boxes",
        artifact_store="lake",
        container_registry="hub",
        image_builder="builder",
    )
    (found,) = violations(lambda: ws.stacks.remove_components("prod", {BUILDER: []}))
    assert found[0] == "orchestrator 'boxes' needs an image builder"


def test_a_stack_that_a_component_has_spoilt_is_neither_activated_nor_run(ws):
    ws.components.update(ORCHESTRATOR, "cluster", {"address": "local"})
    stack(ws, "prod", orchestrator="cluster")
    assert ws.stacks.check("prod") == []
    ws.components.update(ORCHESTRATOR, "cluster", {"address": "far"})
    for operation in (
        lambda: ws.stacks.activate("prod"),
        lambda: ws.runs.start(training, stack="prod"),
    ):
        assert violations(operation)[0][0] == UNREACHABLE
    assert ws.stacks.get().name == "default"
    assert ws.runs.list() == []
    # What is wrong with a stack does not keep it from being mended or renamed.
    ws.stacks.update("prod", artifact_store="lake")
    ws.stacks.rename("prod", "production")
    ws.stacks.activate("production")


def test_asking_changes_nothing(ws):
    ws.components.register(
        STORE, "s3", "s3", {"path": "s3://bucket", "key": "{{a.b}}", "secret": "{{a.c}}"}
    )
    stack(ws, "prod", artifact_store="s3")
    before = ws._database.read("SELECT count(*) FROM events")
    assert [tuple(each) for each in ws.stacks.check("prod")] == [
        (
            "artifact store 's3' needs the secret 'a' with a key 'b'",
            "run `stackfold secret create a --b=-`",
        ),
        (
            "artifact store 's3' needs the secret 'a' with a key 'c'",
            "run `stackfold secret create a --c=-`",
        ),
    ]
    assert ws._database.read("SELECT count(*) FROM events") == before
    ws.secrets.create("a", {"b": "x"})
    (missing,) = ws.stacks.check("prod")
    assert missing.fix == "run `stackfold secret update a --c=-`"
    ws.secrets.update("a", {"c": "x"})
    assert ws.stacks.check("prod") == []


# -- what is not installed here


@pytest.fixture
def without_obstore(monkeypatch):
    installed = InstalledPackages.installed
    monkeypatch.setattr(
        InstalledPackages,
        "installed",
        lambda self, modules: "obstore" not in modules and installed(self, modules),
    )
    monkeypatch.setitem(sys.modules, "obstore", None)


def test_a_flavor_that_is_not_installed_can_be_described_and_configured(ws, without_obstore):
    (view,) = [each for each in ws.flavors.list(STORE) if each.name == "s3"]
    assert not view.installed
    assert ws.flavors.describe(STORE, "s3").requires == ["stackfold[s3]"]
    ws.components.register(STORE, "s3", "s3", {"path": "s3://bucket"})
    stack(ws, "prod", artifact_store="s3")
    ws.stacks.activate("prod")


def test_running_without_it_says_what_to_install(ws, without_obstore):
    ws.components.register(STORE, "s3", "s3", {"path": "s3://bucket"})
    stack(ws, "prod", artifact_store="s3")
    expected = (
        "the artifact store flavor 's3' is not installed",
        "run `stackfold integration install s3`",
    )
    assert violations(lambda: ws.runs.start(training, stack="prod")) == [expected]
    assert [tuple(each) for each in ws.stacks.check("prod")] == [expected]
    with pytest.raises(NotInstalled, match=r"integration 's3', or pip install 'stackfold\["):
        ws.flavors.build(STORE, "s3", {"path": "s3://bucket"})


def test_a_component_that_no_longer_fits_is_told(ws, monkeypatch):
    import own_stacks

    stack(ws, "prod", orchestrator="cluster", artifact_store="lake")
    monkeypatch.delattr(own_stacks, "Lake")
    (found,) = ws.stacks.check("prod")
    assert found.problem.startswith("artifact store 'lake': 'own_stacks.Lake' is not a flavor")
    assert found.fix == "run `stackfold artifact-store flavor list`"


def test_a_flavor_whose_needs_cannot_be_told_is_told(ws, monkeypatch):
    import own_stacks

    stack(ws, "prod", orchestrator="cluster", artifact_store="lake")
    monkeypatch.setattr(own_stacks.Cluster, "is_remote", property(lambda self: 1 / 0))
    (found,) = ws.stacks.check("prod")
    assert found.problem.endswith(
        "`is_remote` or `needs` raised ZeroDivisionError: division by zero"
    )


# -- requirements


def test_the_requirements_of_a_stack_are_those_of_its_components(ws):
    ws.components.register(STORE, "s3", "s3", {"path": "s3://bucket"})
    stack(ws, "prod", artifact_store="s3")
    stack(ws, "own", artifact_store="lake")
    assert ws.stacks.requirements() == ["stackfold"]
    assert ws.stacks.requirements("prod") == ["stackfold[s3]"]
    assert ws.stacks.requirements("own") == ["stackfold", "lake-client>=2"]


def test_every_rule_is_asked_when_a_stack_is_used():
    assert all(ValidationPhase.USED in rule.when for rule in RULES)


def test_a_stack_is_checked_when_it_is_imported(ws):
    document = ws.stacks.export()
    document["stack_name"] = "taken-in"
    document["components"]["orchestrator"] = [
        {"name": "far", "type": "orchestrator", "flavor": "cluster", "configuration": {}}
    ]
    (found,) = violations(lambda: ws.stacks.import_stack(document))
    assert found[0].startswith("orchestrator 'far' runs on other machines, which cannot reach")
    assert [each.name for each in ws.components.list(ORCHESTRATOR)] == [
        "boxes",
        "cluster",
        "default",
    ]
    document["components"]["orchestrator"][0]["configuration"] = {"address": "local"}
    assert ws.stacks.import_stack(document).stack.name == "taken-in"


def test_what_is_used_in_another_environment_need_not_be_here(ws, monkeypatch):
    installed = InstalledPackages.installed
    monkeypatch.setattr(
        InstalledPackages,
        "installed",
        lambda self, modules: "mlserver" not in modules and installed(self, modules),
    )
    for name, configuration in (("here", {}), ("there", {"python": "/opt/seldon/bin/python"})):
        ws.components.register(ComponentType.MODEL_DEPLOYER, name, "seldon", configuration)
        stack(ws, name, model_deployer=name)
    (missing,) = ws.stacks.check("here")
    assert missing.problem == "the model deployer flavor 'seldon' is not installed"
    assert ws.stacks.check("there") == []
    with pytest.raises(NotInstalled):
        ws.flavors.build(ComponentType.MODEL_DEPLOYER, "seldon", {})
    found = {"python": "/opt/seldon/bin/python"}
    assert ws.flavors.build(ComponentType.MODEL_DEPLOYER, "seldon", found).has_own_environment
