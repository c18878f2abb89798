"""Two component types that no package declares: what a program of one's own has."""

from abc import abstractmethod

from stackfold import ComponentType, Workspace
from stackfold.flavors import Configuration, ConfigurationT, StackComponent


class VectorStore(StackComponent[ConfigurationT]):
    """Finds texts that are similar."""

    component_type = ComponentType("vector_store")

    @abstractmethod
    def search(self, text: str) -> list[str]:
        """Return similar texts."""


class FeatureFlag(StackComponent[ConfigurationT]):
    """Switches features."""

    component_type = ComponentType("feature_flag")


class MemoryConfiguration(Configuration):
    dimensions: int = 3


class Memory(VectorStore[MemoryConfiguration]):
    """Keeps vectors in memory."""

    flavor = "memory"

    def search(self, text: str) -> list[str]:
        return [text] * self.configuration.dimensions


class FlagConfiguration(Configuration):
    on: bool = False


class Fixed(FeatureFlag[FlagConfiguration]):
    """A flag that nobody switches."""

    flavor = "fixed"
    needs = (VectorStore.component_type, "artifact_store")


VECTOR_STORE = ComponentType("vector_store", port=VectorStore)
FEATURE_FLAG = ComponentType(
    "feature_flag", port="vector_stores:FeatureFlag", several_per_stack=True
)
TYPES = (VECTOR_STORE, FEATURE_FLAG)


def with_flavors(ws: Workspace) -> Workspace:
    ws.flavors.register(VECTOR_STORE, "vector_stores.Memory")
    ws.flavors.register(FEATURE_FLAG, "vector_stores.Fixed")
    return ws


def composed(ws: Workspace) -> None:
    """A stack 'search' with a vector store and two flags."""
    with_flavors(ws)
    ws.components.register(VECTOR_STORE, "main", "memory", {"dimensions": 8})
    ws.components.register(FEATURE_FLAG, "beta", "fixed")
    ws.components.register(FEATURE_FLAG, "fast", "fixed", {"on": True})
    ws.stacks.register(
        "search",
        orchestrator="default",
        artifact_store="default",
        components={VECTOR_STORE: "main", FEATURE_FLAG: ["beta", "fast"]},
    )
