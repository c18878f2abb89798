"""Workspace: one log, and the services that work on it."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, ParamSpec, Self

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.acting import Acting, Actor
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.stacks.views import IdentityView, StatusView
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.infrastructure.changes import Changes
from stackfold.infrastructure.current_workspace import enter, leave
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.open import chosen_store, exists, open_log
from stackfold.infrastructure.log_following import LogFollowing
from stackfold.infrastructure.log_import import LogImport
from stackfold.infrastructure.nouns import Nouns
from stackfold.infrastructure.project_trust import ProjectTrust
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.queries.stacks import SqlQueries
from stackfold.infrastructure.services import Services
from stackfold.infrastructure.system.author import author
from stackfold.infrastructure.system.drafts import delete_abandoned
from stackfold.infrastructure.system.home import (
    PROJECT_FOLDER,
    absolute_folder,
    find_project,
    home_folder,
    named_folder,
)

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.aggregate_type import AggregateReference, AggregateType
    from stackfold.application.eventsourcing.custom_projection import Projection
    from stackfold.application.history.views import HistoryEntry
    from stackfold.application.policies.policy import Policy
    from stackfold.domain.pipelines.pipeline import Pipeline
    from stackfold.domain.stacks.component_type import ComponentType
    from stackfold.infrastructure.diagnosis import Finding
    from stackfold.infrastructure.finished_run import FinishedRun
    from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

Given = ParamSpec("Given")


@checked
class Workspace(Nouns, ProjectTrust, LogImport, LogFollowing, Changes):
    """One log, and a service per noun of the command line, with one method per verb.

    Threads may share a workspace. Close it, or use it in a `with` block: pipelines that are called
    in the block run in it.
    """

    closed = False
    """Whether it was closed."""

    def __init__(
        self,
        database: Database,
        home: Path,
        scope: Callable[[], Scope],
        acting: Acting | None = None,
        temporary: "TemporaryFolder | None" = None,
        projections: "Sequence[Projection]" = (),
        policies: "Sequence[Policy]" = (),
    ) -> None:
        """Use `open` or `in_memory` instead.

        Args:
            database: Holds the log.
            home: The folder that relative paths of components refer to.
            scope: Returns what determines which stack is active.
            acting: Knows who acts; None for the user who runs the process.
            temporary: A folder to delete when the workspace is closed.
            projections: Are applied in each transaction that appends events.
            policies: Are asked about each change, if they are enabled in the log.
        """
        self.home = home
        self._database = database
        self._scope = scope
        self._temporary = temporary
        self._acting = acting or Acting(author)
        self._services = Services(database, home, scope, self._acting, projections, policies)

    @classmethod
    def open(
        cls,
        home: str | os.PathLike[str] | None = None,
        store: str | None = None,
        *,
        actor: Actor | None = None,
        projections: "Sequence[Projection]" = (),
        aggregates: "Sequence[AggregateType | AggregateReference]" = (),
        policies: "Sequence[Policy]" = (),
        component_types: "Sequence[ComponentType]" = (),
    ) -> Self:
        """Open the log in a folder or in a shared database; the first use creates it.

        Args:
            home: The folder; by default `STACKFOLD_HOME`, or else the user's data folder.
            store: The address of a database whose log several people share, "postgresql://…".
                By default, and unless a home is given, `STACKFOLD_STORE`, or else the project's.
            actor: Who makes changes, or a function that returns it, called for every change. By
                default `STACKFOLD_ACTOR`, git's `user.email`, or user@host. See `acting_as`.
            projections: Are applied in each transaction that appends events, and now to all events
                that they have not applied yet.
            aggregates: Aggregate types of your own, besides those of installed packages.
            policies: Policies of your own, besides those of installed packages. They are asked
                about each change, if they are enabled in the log.
            component_types: The component types that the program declares, besides those of
                installed packages.

        Raises:
            InvalidComponentType: A declaration is incomplete, or two differ.
            Invalid: The address or a projection is invalid.
            InvalidActor: The actor is empty, too long, or contains control characters.
            InvalidAggregate: The declaration of an aggregate is invalid.
            InvalidPolicy: An object is no policy, or two policies have the same name.
            ProjectionFailed: A projection raised.
            UntrustedProject: The current folder is in another user's project.
            UntrustedStore: Its project names a log that was not trusted.
            LogUnavailable: The log cannot be opened or created.
        """
        folder = named_folder(home)
        project = find_project(home=folder)
        if project:
            delete_abandoned(project.folder / PROJECT_FOLDER)
        acting = Acting(author if actor is None else actor)
        chosen = store or (None if home else chosen_store(project, folder))
        database = open_log(folder, chosen, acting)
        fixed = Scope(
            os.environ.get("STACKFOLD_ACTIVE_STACK") or None, project.scope if project else None
        )

        def scope() -> Scope:
            return fixed._replace(user=f"user:{acting.actor()}") if database.shared else fixed

        workspace = cls(database, folder, scope, acting, None, projections, policies)
        return workspace._started(aggregates, component_types)

    @classmethod
    def in_memory(
        cls,
        *,
        actor: Actor | None = None,
        projections: "Sequence[Projection]" = (),
        aggregates: "Sequence[AggregateType | AggregateReference]" = (),
        policies: "Sequence[Policy]" = (),
        component_types: "Sequence[ComponentType]" = (),
    ) -> Self:
        """Create a workspace that leaves no files behind, for tests and for embedding.

        Relative paths of its components refer to a temporary folder.

        Args:
            actor: Who makes changes, as for `open`.
            projections: Are applied in each transaction that appends events.
            aggregates: Aggregate types of your own, as for `open`.
            policies: Policies of your own, as for `open`.
            component_types: The component types that the program declares.

        Raises:
            InvalidComponentType: A declaration is incomplete, or two differ.
            InvalidActor: The actor is empty, too long, or contains control characters.
            InvalidAggregate: The declaration of an aggregate is invalid.
            InvalidPolicy: An object is no policy, or two policies have the same name.
        """
        from stackfold.application.stacks.bootstrap import seed
        from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

        acting = Acting(author if actor is None else actor)
        folder = TemporaryFolder()
        database, home = SqliteDatabase.in_memory(), Path(folder.name)
        workspace = cls(database, home, Scope, acting, folder, projections, policies)
        try:
            workspace._declare(aggregates, component_types)
            workspace._services.event_store.log.create_tables()
            seed(workspace._services.repository)
        except BaseException:
            workspace.close()
            raise
        return workspace

    @classmethod
    def exists(cls, home: str | os.PathLike[str] | None = None) -> bool:
        """Return whether there is a log already, so that `open` would not create one.

        Args:
            home: The folder, as for `open`.
        """
        return exists(None if home is None else named_folder(home))

    @classmethod
    def diagnose(cls) -> "Iterator[Finding]":
        """Check the home, the project, the log, the active stack, flavors and packages.

        Nothing is changed, except that the first use creates the log. Problems are findings, not
        errors.
        """
        from stackfold.infrastructure.diagnosis import diagnose

        return diagnose(cls.open)

    @classmethod
    def installed_component_types(cls) -> "Sequence[ComponentType]":
        """Return the component types that installed packages declare; broken ones are omitted."""
        from stackfold.infrastructure.component_types import installed_component_types

        return installed_component_types()

    @property
    def store(self) -> str | None:
        """The address of the shared log; None if it is a file in the home, or in memory."""
        return self._database.url

    def __repr__(self) -> str:
        in_memory = "in memory" if self._temporary else str(self.home)
        location = self._database.location if self._database.shared else in_memory
        return f"<Workspace {location}{' (closed)' if self.closed else ''}>"

    def close(self) -> None:
        """Close the log."""
        self.closed = True
        leave(self)
        self._database.close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- verbs without a noun

    def run(
        self, pipeline: "Pipeline[Given]", /, *args: Given.args, **kwargs: Given.kwargs
    ) -> "FinishedRun":
        """Run a pipeline in this workspace, and return when it has completed.

        `runs.start` also takes a stack, a configuration and a reason.

        Args:
            pipeline: The pipeline.
            *args: Its positional parameters.
            **kwargs: Its parameters by name.

        Raises:
            InvalidPipeline: Its steps or parameters are invalid.
            RunFailed: A step raised; its exception is the cause.
        """
        from stackfold.infrastructure.finished_run import FinishedRun

        view = self.runs.start(pipeline, pipeline.signature.named(args, kwargs))
        return FinishedRun.of(view, self)

    def undo(
        self, *, dry_run: bool = False, why: str = "", expected_position: int | None = None
    ) -> "Sequence[HistoryEntry]":
        """Undo the last change that was not undone already, whatever it changed.

        Args:
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_position: The position of the log that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            StalePosition: A stack, component or flavor changed after the expected position.
            NothingToUndo: No change is left.
            CannotUndo: The last change is one of a deployment that exists.
        """
        entries = self._services.reverts.undo(dry_run, why, expected_position)
        if not dry_run:
            for id in {each.id for each in entries if each.kind == "model"}:
                self._services.model_registries.follow(id)
        return entries

    def identity(self) -> IdentityView:
        """Return who acts, and which setting says so."""
        from stackfold.infrastructure.system.author import author_and_origin

        actor, (known, origin) = self._acting.actor(), author_and_origin()
        return IdentityView(
            actor, origin if actor == known else "the program", self._database.location
        )

    def status(self, as_of: AsOf = None) -> StatusView:
        """Return where the log and the project are, and which stack is active and why.

        Args:
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.
        """
        queries = self._services.queries
        position = queries.position(as_of)
        project = find_project(home=self.home)
        scope = self._scope()
        view = StatusView(
            home=str(self.home),
            project=str(project.folder) if project else None,
            active_stack=None,
            chosen_by="environment" if scope.override else self._chosen_by(position),
            store=self._database.location if self._database.shared else None,
        )
        try:
            return view._replace(active_stack=queries.active_stack(position).name)
        except (NotFound, Ambiguous) as error:
            return view._replace(problem=f"STACKFOLD_ACTIVE_STACK: {error}")

    @outside_changes
    def init_project(
        self,
        folder: str | os.PathLike[str] | None = None,
        why: str = "",
        store: str | None = None,
    ) -> Path:
        """Create a project, which has an active stack of its own; at first, the current one.

        Args:
            folder: The folder of the project; None for the current one.
            why: The reason.
            store: The address of this workspace's shared log, to be used by the project.

        Returns:
            The folder.

        Raises:
            Conflict: The folder has a project already.
        """
        from uuid import UUID

        from stackfold.application.stacks.activations import Activations
        from stackfold.infrastructure.system.trust import create_trusted_project

        outside = Scope(user=self._scope().user)
        active = SqlQueries(self._database, lambda: outside).active_stack()
        project = create_trusted_project(self.home, absolute_folder(folder), store)
        scope = outside._replace(project=project.scope)
        services = self._services
        if services.queries.activation(scope.own) is None:
            activations = Activations(services.repository, services.queries, scope.own)
            services.repository.attempt(lambda: [activations.choose(UUID(active.id))], why)
        return project.folder

    # -- private

    def _started(
        self,
        aggregates: "Sequence[AggregateType | AggregateReference]",
        component_types: "Sequence[ComponentType]",
    ) -> Self:
        try:
            self._declare(aggregates, component_types)
            self._services.catch_up()
        except BaseException:
            self.close()
            raise
        return self

    def _declare(
        self,
        aggregates: "Sequence[AggregateType | AggregateReference]",
        component_types: "Sequence[ComponentType]",
    ) -> None:
        self._services.declare_component_types(component_types)
        if aggregates:
            self._database.aggregates = self._database.aggregates.with_types(*aggregates)

    @classmethod
    def _of(cls, services: Services) -> Self:
        """Return a workspace with services that are open."""
        workspace = cls.__new__(cls)
        workspace.home, workspace._database = services.home, services.database
        workspace._scope, workspace._temporary = services.scope, None
        workspace._acting, workspace._services = services.acting, services
        return workspace

    @classmethod
    def _is_default(cls, opened: "Workspace") -> bool:
        """Whether it is the workspace that `open` opens by default."""
        home = home_folder()
        return opened.home == home and opened.store == chosen_store(find_project(home=home), home)

    def _chosen_by(self, as_of: int | None) -> Literal["project", "user", "global"]:
        activation = self._services.queries.activation
        scope = self._scope()
        if scope.project and activation(scope.own, as_of):
            return "project"
        if scope.user and activation(scope.user, as_of):
            return "user"
        return "global"
