"""Composition root: creates the services of a workspace, each on first use.

Modules are imported here only when they are needed: a query takes less time than their import.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.acting import Acting
from stackfold.infrastructure.artifact_services import ArtifactServices
from stackfold.infrastructure.component_types import TypeServices
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.deployment_services import DeploymentServices
from stackfold.infrastructure.execution_services import ExecutionServices
from stackfold.infrastructure.model_services import ModelServices
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.queries.stacks import SqlQueries
from stackfold.infrastructure.schedule_services import ScheduleServices

if TYPE_CHECKING:
    # Services ask each other for read-only properties; pyright takes a cached one for none.
    cached_property = property

    from stackfold.application.eventsourcing.custom_projection import Projection
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.pipelines.images import Images
    from stackfold.application.policies.policy import Policy
    from stackfold.application.runs.cache_reasons import CacheReasons
    from stackfold.application.runs.launcher import RunLauncher
    from stackfold.application.runs.remote_steps import RemoteSteps
    from stackfold.application.runs.reruns import Reruns
    from stackfold.application.runs.resumption import Resumption
    from stackfold.application.runs.run_diffs import RunDiffs
    from stackfold.application.runs.run_outputs import RunOutputs
    from stackfold.application.runs.runs import Runs
    from stackfold.application.secrets.secrets import StoredSecrets
    from stackfold.application.stacks.activations import Activations
    from stackfold.application.stacks.diffs import Diffs
    from stackfold.application.stacks.flavor_catalogue import Catalogue
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.import_export import ImportExport
    from stackfold.application.stacks.reverts import Reverts
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.application.stacks.validation import StackRules
    from stackfold.domain.runs.environment import Environment
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
    from stackfold.infrastructure.pipelines import Pipelines
    from stackfold.infrastructure.policies.services import PolicyServices
    from stackfold.infrastructure.projections.follower import Load
    from stackfold.infrastructure.projections.inline import InlineProjections
    from stackfold.infrastructure.queries.cache import SqlExecutions
    from stackfold.infrastructure.queries.history import SqlHistory
    from stackfold.infrastructure.queries.runs import SqlRunQueries
else:
    from functools import cached_property


class Services(
    TypeServices,
    ExecutionServices,
    ModelServices,
    ArtifactServices,
    DeploymentServices,
    ScheduleServices,
):
    """The services of a workspace."""

    def __init__(
        self,
        database: Database,
        home: Path,
        scope: Callable[[], Scope],
        acting: Acting,
        projections: "Sequence[Projection]" = (),
        policies: "Sequence[Policy]" = (),
    ) -> None:
        """Create the services.

        Args:
            database: Holds the log and its read models.
            home: The folder that relative paths of components refer to.
            scope: Returns what determines which stack is active.
            acting: Knows who acts.
            projections: Are applied in each transaction that appends events.
            policies: Are asked about each change, if they are enabled in the log.
        """
        self.database = database
        self.projections = projections
        self._declared_policies = policies
        self.home = home
        self.scope = scope
        self.acting = acting
        self.queries = SqlQueries(database, scope)

    @cached_property
    def history(self) -> "SqlHistory":
        """Reads what happened, from the log."""
        from stackfold.infrastructure.queries.history import SqlHistory

        return SqlHistory(self.database)

    @cached_property
    def event_store(self) -> "EventStoreComponents":
        """The recorder and the repository."""
        from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

        return EventStoreComponents(
            self.database,
            self.acting,
            (lambda load: self._inline(load).catch_up) if self.projections else None,
            self.policies.judge,
        )

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        return self.event_store.repository

    def catch_up(self) -> None:
        """Apply all events to the projections that have not applied them yet."""
        if self._declared_policies != ():
            _ = self.policies  # checks them
        if self.projections:
            from stackfold.infrastructure.eventstore.event_mapper import EventMapper

            self._inline(EventMapper(self.database.aggregates).load).catch_up()

    def _inline(self, load: "Load") -> "InlineProjections":
        from stackfold.infrastructure.projections.inline import InlineProjections

        return InlineProjections(self.database, self.projections, load)

    @cached_property
    def policies(self) -> "PolicyServices":
        """Commands on policies, and asking the enabled ones about changes."""
        from stackfold.infrastructure.aggregate_collections import collection
        from stackfold.infrastructure.policies.services import PolicyServices

        aggregates, declared = partial(collection, self), self._declared_policies
        return PolicyServices(self.database, self.queries, self, declared, aggregates)

    # -- stacks

    @cached_property
    def catalogue(self) -> "Catalogue":
        """Lists flavors without importing them."""
        from stackfold.application.stacks.flavor_catalogue import Catalogue
        from stackfold.infrastructure.system.flavor_folders import FlavorFolders
        from stackfold.infrastructure.system.packages import InstalledPackages

        packages = InstalledPackages(FlavorFolders(self.home), lambda: self.component_types)
        return Catalogue(packages, self.queries)

    @cached_property
    def flavors(self) -> "Flavors":
        """Loads and registers flavors."""
        from stackfold.application.stacks.flavors import Flavors

        return Flavors(self.queries, self.catalogue, self.home, self)

    @cached_property
    def stored_secrets(self) -> "StoredSecrets":
        """Resolves references to secrets."""
        from stackfold.infrastructure.secrets import stored_secrets

        return stored_secrets(self.home)

    @property
    def activations(self) -> "Activations":
        """Chooses the active stack of the current scope."""
        from stackfold.application.stacks.activations import Activations

        return Activations(self.repository, self.queries, self.scope().own)

    @cached_property
    def rules(self) -> "StackRules":
        """Checks whether the components of a stack work together."""
        from stackfold.application.stacks.validation import StackRules

        return StackRules(self.queries, self.flavors)

    @cached_property
    def diffs(self) -> "Diffs":
        """Compares stacks."""
        from stackfold.application.stacks.diffs import Diffs

        return Diffs(self.queries, self.history, self.flavors, self.component_types)

    @cached_property
    def reverts(self) -> "Reverts":
        """Restores past states."""
        from stackfold.application.stacks.reverts import Reverts

        def is_consequence(id: str, revision: int) -> bool:
            from stackfold.application.deployments.consequences import is_consequence

            return is_consequence(self.repository, id, revision)

        return Reverts(self.repository, self.queries, self.history, self.flavors, is_consequence)

    @cached_property
    def import_export(self) -> "ImportExport":
        """Reads and writes stacks as documents."""
        from stackfold.application.stacks.import_export import ImportExport

        return ImportExport(self.repository, self.queries, self.flavors, self.component_types)

    @cached_property
    def resolver(self) -> "StackResolver":
        """Pins stacks, and builds the components of a pin."""
        from stackfold.application.stacks.stack_resolver import StackResolver

        return StackResolver(self.queries, self.flavors)

    # -- pipelines and runs

    @cached_property
    def pipelines(self) -> "Pipelines":
        """Loads pipelines, their parameters and configurations."""
        from stackfold.infrastructure.pipelines import Pipelines

        return Pipelines(self.run_queries)

    @cached_property
    def images(self) -> "Images":
        """Builds images for orchestrators."""
        from stackfold.application.pipelines.images import Images
        from stackfold.infrastructure.system.code_folder import code_folder

        locate = partial(code_folder, home=self.home)
        log = ("stackfold[postgres]",) if self.database.shared else ()
        return Images(self.resolver, self.flavors, locate, log)

    @cached_property
    def run_queries(self) -> "SqlRunQueries":
        """Reads runs."""
        from stackfold.infrastructure.queries.runs import SqlRunQueries

        return SqlRunQueries(self.database, self.claims)

    @cached_property
    def run_diffs(self) -> "RunDiffs":
        """Compares runs."""
        from stackfold.application.runs.run_diffs import RunDiffs
        from stackfold.infrastructure.queries.changes import SqlChanges
        from stackfold.infrastructure.small_values import small_values

        return RunDiffs(self.run_queries, SqlChanges(self.database, self.history), small_values)

    @cached_property
    def runs(self) -> "Runs":
        """Queries and commands on runs."""
        from stackfold.application.runs.runs import Runs

        return Runs(self.run_queries, self)

    @cached_property
    def launcher(self) -> "RunLauncher":
        """Executes graphs on pinned stacks."""
        from stackfold.application.runs.job_submitter import JobSubmitter
        from stackfold.application.runs.launcher import RunLauncher
        from stackfold.application.runs.model_versions import ModelVersions
        from stackfold.application.runs.references import References
        from stackfold.infrastructure.system.module_sources import code_fingerprints
        from stackfold.infrastructure.system.parcel import Parcel

        return RunLauncher(
            self.repository,
            self.resolver,
            self.materializers,
            self.claims,
            self.executions,
            JobSubmitter(self.run_queries),
            self.images,
            code_fingerprints,
            self.live_steps,
            ModelVersions(self.repository, self.model_queries),
            References(self.artifact_queries, self.resolver),
            self.run_log,
            Parcel,
        )

    @cached_property
    def remote_steps(self) -> "RemoteSteps":
        """Executes steps in the processes of an engine."""
        from stackfold.application.runs.remote_steps import RemoteSteps

        load = self.pipelines.load
        return RemoteSteps(self.repository, self.run_queries, self.claims, self.launcher, load)

    @cached_property
    def resumption(self) -> "Resumption":
        """Resumes runs."""
        from stackfold.application.runs.resumption import Resumption

        return Resumption(
            self.repository,
            self.run_queries,
            self.resolver,
            self.claims,
            self.launcher,
            self.pipelines.load,
        )

    @cached_property
    def reruns(self) -> "Reruns":
        """Repeats runs."""
        from stackfold.application.runs.reruns import Reruns

        return Reruns(self.run_queries, self.launcher, self.pipelines.load, self.environment)

    @cached_property
    def run_outputs(self) -> "RunOutputs":
        """Reads values and logs of runs."""
        from stackfold.application.runs.run_outputs import RunOutputs

        return RunOutputs(self.run_queries, self.resolver, self.materializers, self.live_steps)

    @cached_property
    def executions(self) -> "SqlExecutions":
        """Looks up earlier executions of steps."""
        from stackfold.infrastructure.queries.cache import SqlExecutions

        return SqlExecutions(self.database)

    @cached_property
    def cache_reasons(self) -> "CacheReasons":
        """Explains why steps were or were not cached."""
        from stackfold.application.runs.cache_reasons import CacheReasons

        return CacheReasons(self.run_queries, self.executions)

    def environment(self) -> "Environment":
        """Describe this Python, platform and its packages."""
        from stackfold.infrastructure.system.environment import environment

        return environment()
