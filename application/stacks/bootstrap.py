"""What is there before anybody has registered anything."""

from stackfold.application.eventsourcing.repository import Repository
from stackfold.domain.stacks.activation import GLOBAL, Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack


def seed(repository: Repository) -> None:
    """Register the default orchestrator, artifact store and stack, and activate that stack."""
    orchestrator = Component.register(ComponentType.ORCHESTRATOR, "default", "local", {})
    store = Component.register(ComponentType.ARTIFACT_STORE, "default", "local", {})
    stack = Stack.register(
        "default",
        {
            ComponentType.ORCHESTRATOR: [orchestrator.id],
            ComponentType.ARTIFACT_STORE: [store.id],
        },
    )
    activation = Activation.register(GLOBAL, stack.id)
    repository.save(orchestrator, store, stack, activation, why="first use")
