"""Flavors: built in, of one's own by "module.Class", and from packages by entry point."""

import sys
import textwrap
from importlib.util import find_spec

import pytest
from replay import assert_consistent, records_of
from workspaces import OPERATOR, STORE, stack

from stackfold.domain.errors import (
    InUse,
    InvalidConfiguration,
    InvalidFlavor,
    InvalidName,
    NameTaken,
    Protected,
    UnknownFlavor,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system import packages

ALERTER = ComponentType.ALERTER

PAGER = '''
"""Alerts."""
from stackfold.application import ports
from stackfold.application.ports import Alerter, Secret

class Pager(Alerter):
    """Wakes people up.

    And says why.
    """
    flavor = "pager"

    class Configuration(ports.Configuration):
        to: str
        retries: int = 3
        token: Secret | None = None

    def send(self, alert): ...
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the current folder; returns its name, which no other test has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}

    def module(text, name="acme"):
        name = f"{name}_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        return name

    yield module
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.fixture
def pager(ws, module):
    source = f"{module(PAGER)}.Pager"
    ws.flavors.register(ALERTER, source)
    return source


# -- what is there


def test_the_built_in_flavors_are_there(ws):
    listed = {
        (view.type, view.name): (view.integration, view.installed)
        for type in ComponentType
        for view in ws.flavors.list(type)
    }
    assert listed == dict.fromkeys(
        [
            ("alerter", "email"),
            ("alerter", "slack"),
            ("alerter", "webhook"),
            ("orchestrator", "local"),
            ("artifact_store", "local"),
            ("step_operator", "local"),
            ("container_registry", "default"),
            ("model_deployer", "local"),
            ("model_registry", "local"),
            ("image_builder", "local"),
            ("annotator", "label_studio"),
        ],
        ("built-in", True),
    ) | {
        flavor: (package, find_spec(module) is not None)
        for flavor, package, module in (
            (("artifact_store", "azure"), "azure", "obstore"),
            (("artifact_store", "gcs"), "gcs", "obstore"),
            (("artifact_store", "s3"), "s3", "obstore"),
            (("data_validator", "evidently"), "evidently", "evidently"),
            (("data_validator", "pandera"), "pandera", "pandera"),
            (("orchestrator", "kubeflow"), "kubeflow", "kfp"),
            (("orchestrator", "kubernetes"), "kubernetes", "kubernetes"),
            (("step_operator", "kubernetes"), "kubernetes", "kubernetes"),
            (("orchestrator", "ray"), "ray", "ray"),
            (("step_operator", "ray"), "ray", "ray"),
            (("experiment_tracker", "mlflow"), "mlflow", "mlflow"),
            (("experiment_tracker", "wandb"), "wandb", "wandb"),
            (("feature_store", "feast"), "feast", "feast"),
            (("model_deployer", "kserve"), "kserve", "kserve"),
            (("model_deployer", "mlflow"), "mlflow-serving", "mlflow"),
            (("model_registry", "mlflow"), "mlflow", "mlflow"),
            (("model_deployer", "seldon"), "seldon", "mlserver"),
        )
    }


@pytest.mark.parametrize("entry", packages.BUILT_IN, ids=lambda entry: entry.source)
def test_every_built_in_flavor_describes_itself(ws, entry):
    described = ws.flavors.describe(entry.type, entry.name)
    assert described.schema["type"] == "object"
    assert described.summary.endswith(".")
    implementation = ws.flavors.implementation(ComponentType(entry.type), entry.name)
    assert implementation.flavor == entry.name
    for name, field in implementation.Configuration.model_fields.items():
        assert field.description, f"{name} needs a description"


def test_an_unknown_flavor_is_refused_with_those_there_are(ws):
    with pytest.raises(UnknownFlavor, match="there is no artifact store flavor 'ftp': choose one"):
        ws.flavors.describe(STORE, "ftp")
    with pytest.raises(UnknownFlavor, match="choose one of email, slack, webhook"):
        ws.flavors.describe(ALERTER, "carrier pigeon")


# -- one's own


def test_a_class_of_ones_own_becomes_a_flavor(ws, module):
    source = f"{module(PAGER)}.Pager"
    view = ws.flavors.register(ALERTER, source, why="we need it")
    assert view == (
        "pager",
        "alerter",
        "own",
        True,
        "Wakes people up.",
    )
    assert view in ws.flavors.list(ALERTER)
    described = ws.flavors.describe(ALERTER, "pager")
    assert described.source == source
    assert described.schema["required"] == ["to"]
    assert described.schema["properties"]["retries"]["default"] == 3
    assert b'"why":"we need it"' in records_of(ws._database)[-1].state


def test_components_are_checked_against_it(ws, pager):
    view = ws.components.register(ALERTER, "ops", "pager", {"to": "ops", "retries": "5"})
    assert view.configuration == {"to": "ops", "retries": 5}
    with pytest.raises(InvalidConfiguration, match="pager alerter: to: required"):
        ws.components.register(ALERTER, "dev", "pager")
    assert stack(ws, "prod", alerter="ops").components["alerter"] == ["ops"]


def test_an_instance_gets_its_configuration_and_the_home(ws, pager):
    instance = ws.flavors.build(ALERTER, "pager", {"to": "ops", "retries": "5"})
    assert (instance.configuration.to, instance.configuration.retries) == ("ops", 5)
    assert instance.home == ws.home


def test_it_can_be_deleted_when_nothing_is_of_it(ws, pager):
    ws.components.register(ALERTER, "ops", "pager", {"to": "ops"})
    with pytest.raises(InUse, match="alerter flavor 'pager' is used by alerter 'ops'"):
        ws.flavors.delete(ALERTER, "pager")
    ws.components.delete(ALERTER, "ops")
    ws.flavors.delete(ALERTER, "pager")
    assert "pager" not in [view.name for view in ws.flavors.list(ALERTER)]
    with pytest.raises(UnknownFlavor):
        ws.flavors.delete(ALERTER, "pager")
    ws.flavors.register(ALERTER, pager)
    assert_consistent(ws)


def test_a_name_is_taken_once_per_type(ws, pager, module):
    with pytest.raises(NameTaken, match="an alerter flavor named 'pager' exists already"):
        ws.flavors.register(ALERTER, pager)
    other = module(
        """
        from stackfold.infrastructure.flavors.local.step_operator import LocalStepOperator
        class Mine(LocalStepOperator):
            pass
        """,
        "taken",
    )
    with pytest.raises(NameTaken, match="a step operator flavor named 'local' exists already"):
        ws.flavors.register(OPERATOR, f"{other}.Mine")


def test_what_came_with_a_package_cannot_be_deleted(ws):
    with pytest.raises(Protected, match="cannot be deleted: uninstall the package"):
        ws.flavors.delete(STORE, "local")


def test_a_class_that_is_gone_is_told_so_and_the_rest_goes_on(ws, pager, tmp_path):
    ws.components.register(ALERTER, "ops", "pager", {"to": "ops"})
    name = pager.partition(".")[0]
    (tmp_path / f"{name}.py").unlink()
    del sys.modules[name]
    (view,) = [each for each in ws.flavors.list(ALERTER) if each.name == "pager"]
    assert not view.installed
    assert ws.components.get(ALERTER, "ops").configuration == {"to": "ops"}
    for command in (
        lambda: ws.flavors.describe(ALERTER, "pager"),
        lambda: ws.components.update(ALERTER, "ops", {"retries": 1}),
    ):
        with pytest.raises(InvalidFlavor, match="not found here: register it again"):
            command()
    ws.components.rename(ALERTER, "ops", "old")
    ws.components.delete(ALERTER, "old")


WRONG = {
    "no class": ("x = 1", "NoSuch", "has no NoSuch"),
    "not a class": ("Thing = 1", "Thing", "must be a class that derives from Alerter"),
    "another type's": (
        "from stackfold.application.ports import FeatureStore as Thing",
        "Thing",
        "must be a class that derives from Alerter",
    ),
    "abstract": (
        """
        from abc import abstractmethod
        from stackfold.application.ports import Alerter
        class Thing(Alerter):
            @abstractmethod
            def call(self): ...
        """,
        "Thing",
        "it does not define call, send",
    ),
    "no configuration": (
        """
        from stackfold.application.ports import Alerter
        class Thing(Alerter):
            def send(self, alert): ...
            flavor = "thing"
        """,
        "Thing",
        "needs a Configuration derived from ours",
    ),
    "another configuration": (
        """
        from pydantic import BaseModel
        from stackfold.application.ports import Alerter
        class Thing(Alerter):
            def send(self, alert): ...
            flavor = "thing"
            class Configuration(BaseModel): ...
        """,
        "Thing",
        "needs a Configuration derived from ours",
    ),
    "no name": (
        """
        from stackfold.application import ports
        class Thing(ports.Alerter):
            def send(self, alert): ...
            Configuration = ports.Configuration
        """,
        "Thing",
        "needs a name in the class attribute 'flavor'",
    ),
    "stars for secrets": (
        """
        from pydantic import SecretStr
        from stackfold.application import ports
        class Thing(ports.Alerter):
            def send(self, alert): ...
            flavor = "thing"
            class Configuration(ports.Configuration):
                token: SecretStr | None = None
        """,
        "Thing",
        "its attribute 'token' must be of our type Secret",
    ),
    "an alias": (
        """
        from pydantic import Field
        from stackfold.application import ports
        class Thing(ports.Alerter):
            def send(self, alert): ...
            flavor = "thing"
            class Configuration(ports.Configuration):
                schema_: str = Field(alias="schema")
        """,
        "Thing",
        "its attribute 'schema_' may have no alias",
    ),
    "no schema": (
        """
        from collections.abc import Callable
        from stackfold.application import ports
        class Thing(ports.Alerter):
            def send(self, alert): ...
            flavor = "thing"
            class Configuration(ports.Configuration):
                call: Callable
        """,
        "Thing",
        "its Configuration has no JSON schema",
    ),
    "broken": ("raise ValueError('one\\ntwo')", "Thing", "failed: ValueError: one two"),
    "a syntax error": ("class", "Thing", "failed: SyntaxError: "),
    "an exit": ("raise SystemExit(3)", "Thing", "failed: SystemExit: 3"),
    "a lazy one": (
        """
        def __getattr__(name):
            raise ImportError("no such extra")
        """,
        "Thing",
        "failed: ImportError: no such extra",
    ),
}


@pytest.mark.parametrize(("text", "name", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_class_is_refused_in_one_line(ws, module, text, name, problem):
    before = records_of(ws._database)
    with pytest.raises(InvalidFlavor) as refusal:
        ws.flavors.register(ALERTER, f"{module(text)}.{name}")
    assert problem in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert records_of(ws._database) == before


@pytest.mark.parametrize(
    "source", ["", "Thing", ".", "..", ".Thing", "no.such", "no such.x", "a:b"]
)
def test_a_source_that_leads_nowhere_is_refused_in_one_line(ws, source):
    with pytest.raises(InvalidFlavor) as refusal:
        ws.flavors.register(ALERTER, source)
    assert "\n" not in str(refusal.value)


def test_the_rule_for_names_holds_for_flavors_too(ws, module):
    name = module(PAGER.replace('"pager"', '"pa/ger"'))
    with pytest.raises(InvalidName, match="'pa/ger' cannot name an alerter flavor"):
        ws.flavors.register(ALERTER, f"{name}.Pager")


def test_listing_loads_no_flavor(ws, pager):
    name = pager.partition(".")[0]
    del sys.modules[name]
    assert "pager" in [view.name for view in ws.flavors.list(ALERTER)]
    assert name not in sys.modules
