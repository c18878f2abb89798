"""The built-in reaction that catches up a model registry which missed a promotion."""

from stackfold.application.history.views import LogEvent
from stackfold.application.reactions.reaction import Delivery, Reaction
from stackfold.domain.errors import NotFound, NotInStack


def sync(event: LogEvent, delivery: Delivery) -> None:
    """Synchronize the model of an event with the registry of the worker's active stack."""
    try:
        delivery.workspace.model_registries.sync(event.id)
    except (NotFound, NotInStack):  # the model was deleted, or there is no registry
        return


SYNC_MODEL_REGISTRY = Reaction(
    "sync-model-registry",
    sync,
    [
        "model.promoted",
        "model.rolled_back",
        "model.alias_removed",
        "model.reverted",
        "model.restored",
    ],
    ordered=False,
    untyped=True,
)
"""One model does not wait for another: what is synchronized is the current state."""
