"""Creates the services for policies of a workspace."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.services import StackServices
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.policies.available import InstalledPolicies
from stackfold.infrastructure.queries.policies import SqlPolicyQueries

if TYPE_CHECKING:
    from stackfold.application.policies.policies import Policies
    from stackfold.application.policies.policy import Collections, Policy
    from stackfold.application.stacks.components import Components
    from stackfold.application.stacks.stack_reader import StackReader
    from stackfold.infrastructure.policies.judge import PolicyJudge


class PolicyServices:
    """The policies that a workspace has, the commands on them, and what asks them."""

    def __init__(
        self,
        database: Database,
        queries: StackQueries,
        services: StackServices,
        declared: "Sequence[Policy]",
        aggregates: "Collections",
    ) -> None:
        """Create the services.

        Args:
            database: Holds the log.
            queries: Reads stacks and components.
            services: Creates what commands on stacks and components need.
            declared: The policies of the program.
            aggregates: Returns the aggregates of a class of a program or package.

        Raises:
            InvalidPolicy: One is no `Policy`, or two have the same name.
        """
        self._database, self._queries, self._services = database, queries, services
        self._available = InstalledPolicies(declared)
        self._aggregates = aggregates

    def policies(self) -> "Policies":
        """Queries and commands on policies."""
        from stackfold.application.policies.policies import Policies

        return Policies(SqlPolicyQueries(self._database), self._available, self._services)

    def judge(self) -> "PolicyJudge":
        """Asks the enabled policies about each change."""
        from stackfold.infrastructure.policies.judge import PolicyJudge

        return PolicyJudge(self._database, self._available, self._readers)

    def _readers(self) -> "tuple[StackReader, Components, Collections]":
        from stackfold.application.stacks.components import Components
        from stackfold.application.stacks.stack_reader import StackReader

        queries, services = self._queries, self._services
        stacks, components = StackReader(queries, services), Components(queries, services)
        return stacks, components, self._aggregates
