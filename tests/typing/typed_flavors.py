"""Flavors and component types of one's own, as strict type checkers see them.

mypy and pyright check this file; nothing executes it. An unused `type: ignore` is an error, so each
of them shows that a mistake is found.
"""

# pyright: strict

from contextlib import AbstractContextManager
from typing import assert_type

from stackfold import ComponentType, Workspace
from stackfold.flavors import (
    PORTS,
    Alert,
    Alerter,
    ArtifactWriter,
    Configuration,
    ConfigurationT,
    LocalArtifactStore,
    StackComponent,
)


class PagerConfiguration(Configuration):
    to: str = "ops"


class Pager(Alerter[PagerConfiguration]):
    """A flavor that says its configuration once."""

    flavor = "pager"
    needs = ("artifact_store",)

    def send(self, alert: Alert) -> None:
        assert_type(self.configuration, PagerConfiguration)
        assert_type(alert.title, str)


class EarlierPager(Alerter):
    """A flavor in the style of earlier versions."""

    flavor = "earlier"

    class Configuration(Configuration):
        to: str

    configuration: Configuration

    def send(self, alert: Alert) -> None:
        print(self.configuration.to, alert.text)


class DatedStore(LocalArtifactStore):
    """A flavor that derives from one of Stackfold's."""

    flavor = "dated"

    class Configuration(LocalArtifactStore.Configuration):
        loud: bool = False

    configuration: Configuration

    def create(self) -> AbstractContextManager[ArtifactWriter]:
        print(self.configuration.loud)
        return super().create()


class LoudConfiguration(LocalArtifactStore.Configuration):
    loud: bool = False


class LoudStore(LocalArtifactStore[LoudConfiguration]):
    flavor = "loud"

    def folder(self) -> str:
        return self.configuration.path if self.configuration.loud else ""


class VectorStore(StackComponent[ConfigurationT]):
    """A port of one's own."""

    component_type = ComponentType("vector_store")


VECTOR_STORE = ComponentType("vector_store", port=VectorStore)


class Memory(VectorStore[PagerConfiguration]):
    flavor = "memory"
    needs = ("artifact_store", VECTOR_STORE)

    def address(self) -> str:
        return self.configuration.to


def use(ws: Workspace, chosen: dict[ComponentType, str]) -> None:
    """Give component types as values, as texts, and in mappings."""
    ws.components.register("artifact_store", "a", "local")
    ws.components.register(ComponentType.ALERTER, "b", "pager")
    ws.components.register(VECTOR_STORE, "c", "memory")
    ws.stacks.register("x", orchestrator="default", artifact_store="a")
    ws.stacks.register("x", orchestrator="default", components={VECTOR_STORE: "c"})
    ws.stacks.update("x", components={"step_operator": ["one", "two"], VECTOR_STORE: "c"})
    ws.stacks.set_default("x", {"step_operator": "two"})
    ws.stacks.set_default("x", chosen)
    ws.stacks.remove_components("x", chosen)
    ws.flavors.list("artifact_store")
    ws.log.deleted("component", "artifact_store")
    print(PORTS["artifact_store"], [each.value for each in ComponentType])


def misspell(ws: Workspace) -> None:
    """Mistakes that type checkers find."""
    ws.components.list("artifact_stor")  # type: ignore[arg-type]
    ws.flavors.list("artifact-store")  # type: ignore[arg-type]
    ws.stacks.set_default("x", {"step_operato": "two"})  # type: ignore[dict-item]
    ws.stacks.register("x", orchestrater="default")  # type: ignore[call-arg]
