"""The composition root: where the log lives, and what is wired to what.

Reading needs neither eventsourcing nor pydantic, so they are imported where a command needs them.
"""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.stacks.views import StatusView
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.infrastructure.current_workspace import InScope
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.deployment_services import DeploymentServices
from stackfold.infrastructure.eventstore.open import chosen_store, exists, open_log
from stackfold.infrastructure.project_trust import ProjectTrust
from stackfold.infrastructure.queries.stacks import Scope, SqlQueries
from stackfold.infrastructure.run_services import RunServices
from stackfold.infrastructure.system.drafts import delete_abandoned
from stackfold.infrastructure.system.home import (
    PROJECT_FOLDER,
    absolute_folder,
    find_project,
    home_folder,
    named_home,
)

if TYPE_CHECKING:
    import tempfile

    from stackfold.application.history.views import HistoryEntry
    from stackfold.application.secrets.secrets import Secrets, StoredSecrets
    from stackfold.application.stacks.activations import Activations
    from stackfold.application.stacks.components import Components
    from stackfold.application.stacks.diffs import Diffs
    from stackfold.application.stacks.flavor_catalogue import Catalogue
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.histories import Histories
    from stackfold.application.stacks.import_export import Exchange
    from stackfold.application.stacks.reverts import Reverts
    from stackfold.application.stacks.stacks import Stacks
    from stackfold.application.stacks.validation import StackRules
    from stackfold.infrastructure.eventstore.hash_chain import Head
    from stackfold.infrastructure.eventstore.log import Log
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
    from stackfold.infrastructure.files.stack import StackFiles
    from stackfold.infrastructure.queries.history import SqlHistory
    from stackfold.infrastructure.system.integrations import Integrations


class Workspace(InScope, RunServices, DeploymentServices, ProjectTrust):
    """Everything that can be done and asked, on one log.

    `stacks`, `components`, `flavors`, `runs`, `artifacts` and `deployments` have one method per
    verb of the command line.
    Threads may share a workspace. Close it, or use it in a `with` block: a pipeline that is called
    in there runs in it.
    """

    def __init__(
        self,
        database: Database,
        home: Path,
        scope: Scope,
        temporary: "tempfile.TemporaryDirectory[str] | None" = None,
    ) -> None:
        """Use `open` or `in_memory` instead."""
        # The folder goes when the workspace does.
        self._temporary = temporary
        self.home = home
        self.scope = scope
        self._database = database
        self.queries = SqlQueries(database, scope)

    @classmethod
    def open(cls, home: str | os.PathLike[str] | None = None, store: str | None = None) -> Self:
        """The workspace with the log in a folder, or in a shared store; the first use creates it.

        Args:
            home: The folder; by default `STACKFOLD_HOME`, or else the user's data folder.
            store: The address of a database whose log several people share, "postgresql://…".
                By default, and unless a home is given, `STACKFOLD_STORE`, or else the project's.

        Raises:
            Invalid: The address is not to be used.
            UntrustedProject: The current folder is in a project of somebody else.
            UntrustedStore: Its project names a log that was not trusted.
            LogUnavailable: The log cannot be opened or created.
        """
        folder = _folder(home)
        project = find_project(home=folder)
        if project:
            delete_abandoned(project.folder / PROJECT_FOLDER)
        database = open_log(folder, store or (None if home else chosen_store(project, folder)))
        scope = Scope(
            os.environ.get("STACKFOLD_ACTIVE_STACK") or None,
            project.scope if project else None,
            _user() if database.shared else None,
        )
        return cls(database, folder, scope)

    @classmethod
    def is_default(cls, workspace: "Workspace") -> bool:
        """Whether it is the one that `open` opens by default."""
        folder = home_folder()
        if workspace.home != folder:
            return False
        return workspace.store == chosen_store(find_project(home=folder), folder)

    @classmethod
    def exists(cls) -> bool:
        """Whether there is a log already, so that `open` would not create one."""
        return exists()

    @classmethod
    def in_memory(cls) -> Self:
        """A new workspace that leaves nothing behind, for tests and for embedding.

        Relative paths of its components refer to a temporary folder.
        """
        import tempfile

        from stackfold.application.stacks.bootstrap import seed

        folder = tempfile.TemporaryDirectory(prefix="stackfold-")
        workspace = cls(SqliteDatabase.in_memory(), Path(folder.name), Scope(), folder)
        workspace._event_store.log.create_tables()
        seed(workspace._event_store.repository)
        return workspace

    @cached_property
    def stacks(self) -> "Stacks":
        """Stacks: register, look up, change, activate."""
        from stackfold.application.stacks.stacks import Stacks

        return Stacks(
            self._event_store.repository,
            self.queries,
            self.histories,
            self._activations,
            lambda: self._reverts,
            lambda: self._diffs,
            lambda: self._rules,
        )

    @cached_property
    def components(self) -> "Components":
        """Components of every type: register, look up, change."""
        from stackfold.application.stacks.components import Components

        return Components(
            self._event_store.repository,
            self.queries,
            self.histories,
            self.flavors,
            lambda: self._reverts,
        )

    @cached_property
    def flavors(self) -> "Flavors":
        """Flavors: look up, describe, register one's own."""
        from stackfold.application.stacks.flavors import Flavors

        return Flavors(
            self._event_store.repository,
            self.queries,
            self.catalogue,
            self.home,
            self.stored_secrets,
        )

    @cached_property
    def secrets(self) -> "Secrets":
        """Secrets: keep, look up, change; they are no part of the log."""
        from stackfold.application.secrets.secrets import Secrets
        from stackfold.infrastructure.secrets import preferred

        return Secrets(self.stored_secrets, self.queries, preferred())

    @cached_property
    def integrations(self) -> "Integrations":
        """Integrations: what flavors need, and installing it."""
        from stackfold.infrastructure.system.integrations import Integrations

        return Integrations(self.catalogue.packages)

    @cached_property
    def stored_secrets(self) -> "StoredSecrets":
        """What resolves references to secrets."""
        from stackfold.infrastructure.secrets import stored_secrets

        return stored_secrets(self.home)

    @cached_property
    def log(self) -> "Log":
        """The log as a whole: follow it, prove it, rebuild from it, copy it."""
        from stackfold.infrastructure.eventstore.log import Log

        return Log(self._database)

    @staticmethod
    def import_log(
        path: str | os.PathLike[str],
        home: str | os.PathLike[str] | None = None,
        store: str | None = None,
    ) -> "Head":
        """Create a home with an exported log: positions, times, authors and hashes are kept.

        Args:
            path: The file that `log.export` wrote.
            home: The folder; by default `STACKFOLD_HOME`, or else the user's data folder.
            store: The address of an empty database instead; by default as for `open`.

        Returns:
            The head of the log, the same that was exported.

        Raises:
            InvalidFile: The file is not an export of this version, is damaged, or was cut off.
            LogExists: There is a log already.
        """
        folder = _folder(home)
        shared = store or (None if home else chosen_store(find_project(home=folder), folder))
        if shared:
            from stackfold.infrastructure.eventstore.open import import_into

            return import_into(shared, Path(path))
        from stackfold.infrastructure.eventstore.export import load

        return load(Path(path), folder)

    @cached_property
    def history(self) -> "SqlHistory":
        """What was done, by whom and why."""
        from stackfold.infrastructure.queries.history import SqlHistory

        return SqlHistory(self._database)

    @cached_property
    def histories(self) -> "Histories":
        """What was done to what has a name, whether it is there or was deleted."""
        from stackfold.application.stacks.histories import Histories

        return Histories(self.queries, self.deployment_queries, self.history)

    def undo(self, *, dry_run: bool = False, why: str = "") -> "Sequence[HistoryEntry]":
        """Take back the last change that was not taken back yet, whatever it was.

        Args:
            dry_run: Only tell what would change.
            why: The reason.

        Returns:
            What it changed.

        Raises:
            NothingToUndo: No change is left.
        """
        return self._reverts.undo(dry_run, why)

    @cached_property
    def exchange(self) -> "Exchange":
        """Stacks as documents: export, import."""
        from stackfold.application.stacks.import_export import Exchange

        return Exchange(self._event_store.repository, self.queries, self.flavors)

    @cached_property
    def stack_files(self) -> "StackFiles":
        """Such documents in YAML files."""
        from stackfold.infrastructure.files.stack import StackFiles

        return StackFiles()

    @cached_property
    def catalogue(self) -> "Catalogue":
        """Which flavors there are, told without loading any."""
        from stackfold.application.stacks.flavor_catalogue import Catalogue
        from stackfold.infrastructure.system.flavor_folders import FlavorFolders
        from stackfold.infrastructure.system.packages import InstalledPackages

        return Catalogue(InstalledPackages(FlavorFolders(self.home)), self.queries)

    def status(self, as_of: AsOf = None) -> StatusView:
        """Where the log and the project are, and which stack is active by whose choice.

        Args:
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.
        """
        position = self.queries.position(as_of)
        project = find_project(home=self.home)
        view = StatusView(
            home=str(self.home),
            project=str(project.folder) if project else None,
            active_stack=None,
            chosen_by="environment" if self.scope.override else self._chosen_by(position),
            store=self._database.place if self._database.shared else None,
        )
        try:
            return view._replace(active_stack=self.queries.active_stack(position).name)
        except (NotFound, Ambiguous) as error:
            return view._replace(problem=f"STACKFOLD_ACTIVE_STACK: {error}")

    def init_project(
        self,
        folder: str | os.PathLike[str] | None = None,
        why: str = "",
        store: str | None = None,
    ) -> Path:
        """Give a folder an active stack of its own; it starts with the one active elsewhere.

        Args:
            folder: By default the current one.
            why: The reason.
            store: The address of this workspace's shared log, to be the project's from now on.

        Returns:
            The folder.

        Raises:
            Conflict: It has one already.
        """
        from uuid import UUID

        from stackfold.application.stacks.activations import Activations
        from stackfold.infrastructure.system.trust import create_trusted_project

        elsewhere = Scope(user=self.scope.user)
        active = SqlQueries(self._database, elsewhere).active_stack()
        project = create_trusted_project(self.home, absolute_folder(folder), store)
        scope = elsewhere._replace(project=project.scope)
        if self.queries.activation(scope.own) is None:
            activations = Activations(self._event_store.repository, self.queries, scope.own)
            self._event_store.repository.attempt(lambda: [activations.choose(UUID(active.id))], why)
        return project.folder

    @cached_property
    def _reverts(self) -> "Reverts":
        from stackfold.application.stacks.reverts import Reverts

        return Reverts(self._event_store.repository, self.queries, self.history, self.flavors)

    @cached_property
    def _rules(self) -> "StackRules":
        from stackfold.application.stacks.validation import StackRules

        return StackRules(self.queries, self.flavors)

    @cached_property
    def _diffs(self) -> "Diffs":
        from stackfold.application.stacks.diffs import Diffs

        return Diffs(self.queries, self.history, self.histories, self.flavors)

    def _chosen_by(self, as_of: int | None) -> Literal["project", "user", "global"]:
        if self.scope.project and self.queries.activation(self.scope.own, as_of):
            return "project"
        if self.scope.user and self.queries.activation(self.scope.user, as_of):
            return "user"
        return "global"

    @cached_property
    def _activations(self) -> "Activations":
        from stackfold.application.stacks.activations import Activations

        return Activations(self._event_store.repository, self.queries, self.scope.own)

    @cached_property
    def _event_store(self) -> "EventStoreComponents":
        from stackfold.infrastructure.eventstore.wiring import EventStoreComponents

        return EventStoreComponents(self._database)


def _user() -> str:
    from stackfold.infrastructure.system.author import author

    return f"user:{author()}"


def _folder(home: str | os.PathLike[str] | None) -> Path:
    return named_home(home) if home else home_folder()
