"""The services for deployments; a part of the services of a workspace."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.stacks import SqlQueries

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.artifacts.materializers import Materializers
    from stackfold.application.deployments.deployers import Deployers
    from stackfold.application.deployments.deployments import Deployments
    from stackfold.application.deployments.services import DeploymentServices as Needed
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.application.stacks.validation import StackRules
    from stackfold.infrastructure.gateway.gateways import ProcessGateways
    from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries
    from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries
    from stackfold.infrastructure.queries.history import SqlHistory
    from stackfold.infrastructure.recording.batch_list import BatchList
    from stackfold.infrastructure.recording.spools import Spools
else:
    from functools import cached_property


class DeploymentServices:
    """Knows deployments, their servers and their gateways."""

    database: Database
    home: Path
    queries: SqlQueries

    if TYPE_CHECKING:

        @property
        def history(self) -> SqlHistory: ...
        @property
        def artifact_queries(self) -> SqlArtifactQueries: ...
        @property
        def resolver(self) -> StackResolver: ...
        @property
        def rules(self) -> StackRules: ...
        @property
        def materializers(self) -> Materializers: ...

    @cached_property
    def deployments(self) -> "Deployments":
        """Queries and commands on deployments."""
        from stackfold.application.deployments.deployments import Deployments

        return Deployments(
            self.deployment_queries,
            self.artifact_queries,
            self.history,
            self.queries,
            cast("Needed", self),
        )

    @cached_property
    def deployment_queries(self) -> "SqlDeploymentQueries":
        """Reads deployments."""
        from stackfold.infrastructure.queries.deployments import SqlDeploymentQueries

        return SqlDeploymentQueries(self.database)

    @cached_property
    def gateways(self) -> "ProcessGateways":
        """Starts and ends the gateways of deployments."""
        from stackfold.infrastructure.gateway.gateways import ProcessGateways

        return ProcessGateways(self.home)

    @cached_property
    def request_spools(self) -> "Spools":
        """The folders to which gateways record requests."""
        from stackfold.infrastructure.recording.spools import Spools

        return Spools(self.home, self.database.url)

    @cached_property
    def stored_requests(self) -> "BatchList":
        """Lists the recorded requests in artifact stores."""
        from stackfold.infrastructure.recording.batch_list import BatchList

        return BatchList(self.database)

    def table(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Rows with the same keys as a frame of pandas; unchanged where it is not installed."""
        from importlib.util import find_spec

        if find_spec("pandas") is None:
            return [dict(each) for each in rows]
        from stackfold.infrastructure.queries.data_frames import data_frame

        columns = {name: [each[name] for each in rows] for name in rows[0]} if rows else {}
        return data_frame(columns, {"at"} & {*columns})

    @cached_property
    def deployers(self) -> "Deployers":
        """Builds model deployers."""
        from stackfold.application.deployments.deployers import Deployers

        return Deployers(self.resolver, self.rules, self.materializers)
