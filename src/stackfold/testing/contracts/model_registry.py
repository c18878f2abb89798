"""What every model registry must do, as promotions use it."""

import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from stackfold.application.notices import notices_to
from stackfold.application.ports import ModelRegistry
from stackfold.domain.errors import ModelRegistryUnavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace
from stackfold.testing.contracts import not_given

TYPE = ComponentType.MODEL_REGISTRY
MODEL = "contract"


@step
def train(strength: float) -> dict[str, float]:
    """Return the only weight."""
    return {"weight": strength}


def training(strength: float = 1.0) -> None:
    """Make one version."""
    train(strength)


class ModelRegistryContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    They are `flavor`, `configuration` and `unreachable`. Each test uses another model.
    """

    @pytest.fixture
    def flavor(self) -> str:
        """The name of the flavor; one of your own is registered by `workspace`."""
        raise NotImplementedError("override the fixture 'flavor'")

    @pytest.fixture
    def configuration(self) -> Mapping[str, Any]:
        """The configuration of a registry that responds."""
        return {}

    @pytest.fixture
    def unreachable(self) -> Mapping[str, Any]:
        """The configuration of a registry that does not respond."""
        not_given("unreachable", "what happens while the registry is unavailable")

    @pytest.fixture
    def workspace(self) -> Iterator[Workspace]:
        """The workspace; override it to register a flavor of your own."""
        with Workspace.in_memory() as workspace:
            yield workspace

    @pytest.fixture
    def model(self, request: pytest.FixtureRequest) -> str:
        """The name of the model."""
        return f"{MODEL}-{request.node.name}"[:60].rstrip("-_.")

    @pytest.fixture
    def ws(
        self, workspace: Workspace, flavor: str, configuration: Mapping[str, Any], model: str
    ) -> Workspace:
        """The workspace, with the registry in its active stack, and three versions."""
        workspace.components.register(TYPE, "registry", flavor, configuration)
        workspace.stacks.register(
            "registered",
            orchestrator="default",
            artifact_store="default",
            model_registry="registry",
            activate=True,
        )
        for strength in (1.0, 2.0, 3.0):
            pipeline = Pipeline(training, model=model)
            workspace.runs.start(pipeline, {"strength": strength})
        return workspace

    def standing(self, ws: Workspace, model: str) -> dict[str, int | None]:
        """Alias → the number of the version that it stands for in the registry.

        Args:
            ws: The workspace.
            model: The name of the model.
        """
        seen = ws.model_registries.versions(model)
        return {alias: each.number for each in seen for alias in each.aliases}

    def test_a_promotion_publishes_the_version_and_moves_the_alias(
        self, ws: Workspace, model: str
    ) -> None:
        ws.models.promote(model, 1)
        assert self.standing(ws, model) == {"production": 1}
        ws.models.promote(model, 2)
        ws.models.promote(model, 2, "champion")
        assert self.standing(ws, model) == {"production": 2, "champion": 2}
        numbers = {each.number for each in ws.model_registries.versions(model)}
        assert {1, 2} <= numbers
        assert ws.model_registries.check(model) == []

    def test_going_back_moves_the_alias_back(self, ws: Workspace, model: str) -> None:
        ws.models.promote(model, 1)
        ws.models.promote(model, 2)
        ws.models.rollback(model)
        assert self.standing(ws, model) == {"production": 1}
        ws.models.remove_alias(model, "production")
        assert self.standing(ws, model) == {}
        ws.models.revert(model)
        assert self.standing(ws, model) == {"production": 1}
        ws.undo()
        assert self.standing(ws, model) == {}

    def test_a_version_is_published_once(self, ws: Workspace, model: str) -> None:
        first = ws.model_registries.publish(model, 3)
        again = ws.model_registries.publish(model, 3)
        assert first == again
        seen = [each for each in ws.model_registries.versions(model) if each.number == 3]
        assert len(seen) == 1

    def test_what_it_missed_is_made_up_for(self, ws: Workspace, model: str) -> None:
        ws.stacks.activate("default")
        ws.models.promote(model, 1)
        ws.models.promote(model, 2, "champion")
        ws.stacks.activate("registered")
        changed = ws.model_registries.sync(model)
        assert self.standing(ws, model) == {"production": 1, "champion": 2}
        assert ws.model_registries.check(model) == []
        assert ws.model_registries.sync(model) == []
        if changed:  # the log has missed nothing
            assert [each.what for each in changed] == [
                "version 1",
                "version 2",
                "alias production",
                "alias champion",
            ]

    def test_it_can_be_sent_to_another_process(
        self, ws: Workspace, flavor: str, configuration: Mapping[str, Any]
    ) -> None:
        found = ws.flavors.build(TYPE, flavor, configuration)
        assert isinstance(found, ModelRegistry)
        again = pickle.loads(pickle.dumps(found))
        assert again.configuration == found.configuration

    def test_a_promotion_survives_an_outage(
        self, ws: Workspace, unreachable: Mapping[str, Any], model: str
    ) -> None:
        ws.components.update(TYPE, "registry", unreachable)
        notices: list[str] = []
        with notices_to(notices.append):
            ws.models.promote(model, 1)
        (notice,) = notices
        assert "\n" not in notice
        assert "model-registry sync" in notice
        assert ws.models.get(model).aliases == {"production": 1}
        with pytest.raises(ModelRegistryUnavailable):
            ws.model_registries.check(model)
