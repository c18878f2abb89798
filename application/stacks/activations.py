"""Activations: which stack is active in which scope."""

from uuid import UUID

from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.stacks.activation import Activation


class Activations:
    """Choosing stacks on behalf of a scope: a project, or everywhere else."""

    def __init__(self, repository: Repository, queries: StackQueries, scope: str) -> None:
        """Choose for `scope`: "global" or "project:<id>"."""
        self._repository = repository
        self._queries = queries
        self._scope = scope

    def choose(self, stack: UUID) -> Activation:
        """The scope's activation with the stack chosen, to be saved.

        Raises:
            NothingToChange: It is active already.
        """
        id = self._queries.activation(self._scope)
        if id is None:
            return Activation.register(self._scope, stack)
        activation = self._repository.load(Activation, id)
        activation.activate(stack)
        return activation
