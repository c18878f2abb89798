"""What was done to a stack, a component or a deployment, whether it is there or was deleted."""

from collections.abc import Sequence

from stackfold.application.deployments.deployment_views import DeploymentQueries
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import NotFound, NotInStack
from stackfold.domain.stacks.component_type import ComponentType


class Histories:
    """The histories of all that has a name, newest first; asking them needs no framework.

    A `reference` is a name, an id or a unique prefix of either; None stands for the active stack
    or its component.
    """

    def __init__(self, queries: Queries, deployments: DeploymentQueries, history: History) -> None:
        """Find what is there by `queries` and `deployments`, and the rest by `history`."""
        self._queries = queries
        self._deployments = deployments
        self._history = history

    def of_stack(
        self, reference: str | None = None, limit: int | None = None
    ) -> Sequence[HistoryEntry]:
        """What was done to a stack, and to its components while it held them.

        Raises:
            NotFound: There never was such a stack.
        """
        if reference is None:
            return self._history.of_stack(self._queries.active_stack().id, limit)
        return self._history.of_stack(self.find_stack(reference).id, limit)

    def of_component(
        self, type: ComponentType, reference: str | None = None, limit: int | None = None
    ) -> Sequence[HistoryEntry]:
        """What was done to a component.

        Raises:
            NotFound: There never was such a component.
            NotInStack: None was named, and the active stack holds none of the type.
        """
        return self._history.of(self._find_component(type, reference).id, limit)

    def of_deployment(self, reference: str, limit: int | None = None) -> Sequence[HistoryEntry]:
        """What was done to a deployment.

        Raises:
            NotFound: There never was such a deployment.
        """
        try:
            found = self._deployments.find_deployment(reference)
        except NotFound:
            found = self._history.find("deployment", reference)
        return self._history.of(found.id, limit)

    def find_stack(self, reference: str) -> Reference:
        """A stack that is there, or else one that once was.

        Raises:
            NotFound: There never was such a stack.
        """
        try:
            return self._queries.find_stack(reference)
        except NotFound:
            return self._history.find("stack", reference)

    def _find_component(self, type: ComponentType, reference: str | None) -> Reference:
        if reference is None:
            active = self._queries.active_stack()
            if type not in active.components:
                raise NotInStack(active.name, type.noun)
            return self._queries.find_component(type, active.components[type][0])
        try:
            return self._queries.find_component(type, reference)
        except NotFound:
            return self._history.find("component", reference, type)
