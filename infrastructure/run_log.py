"""RunLog: what running steps ask of the log and add to it, wherever they are executed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.artifacts.origin import must_come_from
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.application.runs.run_link import Command, Recorded, Taking
from stackfold.domain.errors import LogUnavailable, NotFound, StackfoldError
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.eventstore.open import exists

if TYPE_CHECKING:
    from stackfold.infrastructure.services import Services
    from stackfold.infrastructure.workspace import Workspace

_LAST_SAVED = (
    "SELECT f.name, f.artifact FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
    "WHERE f.run = ? AND f.step = ? AND f.direction = 'saved' ORDER BY a.version"
)
_MODEL_VERSION = (
    "SELECT m.name, v.number FROM artifacts AS a JOIN model_versions AS v ON v.run = a.run "
    "JOIN models AS m ON m.id = v.model WHERE a.id = ? AND v.until IS NULL AND m.until IS NULL"
)


class RunLog:
    """Implements `application.runs.run_link.RunLog`, in the process of the run."""

    def __init__(self, services: "Services") -> None:
        """Create the access to the log of `services`."""
        self._services = services

    def __reduce__(self) -> tuple[Any, ...]:
        services = self._services
        place = services.database.location if services.database.shared else str(services.home)
        return RunLogElsewhere, (
            str(services.home),
            services.database.url,
            services.acting.actor(),
            place,
        )

    def workspace(self, run: str) -> "Workspace":
        """Return the workspace of a run."""
        from stackfold.infrastructure.workspace import Workspace

        return Workspace._of(self._services)

    def record(self, run: str, command: Command) -> None:
        """Execute a command on a run that has not ended, and save it; steps may do so at once."""

        def changed() -> list[Run]:
            found = self._services.repository.load(Run, run)
            found.must_run()
            command(found)
            return [found]

        self._services.repository.attempt(changed)

    def recorded(self, run: str, reference: str, taking: Taking) -> Recorded:
        """Return an artifact; see `application.runs.run_link.RunLog.recorded`."""
        queries = self._services.artifact_queries
        named = queries.artifact(reference)
        found = self._recorded(named.id)
        if found.view.run != run:
            must_come_from(queries, named.id, named.reference, *taking)
        return found

    def _recorded(self, id: str) -> Recorded:
        view, pin = self._services.artifact_queries.recorded(id)
        (store,) = pin["components"][ComponentType.ARTIFACT_STORE][:1]
        return Recorded(view, PinnedComponent.model_validate(store))

    def last_saved(self, run: str, step: str) -> Mapping[str, Recorded]:
        """Return the artifacts that a step of a run saved last, by name."""
        latest = dict(self._services.database.read(_LAST_SAVED, [run, step]))
        return {name: self._recorded(id) for name, id in latest.items()}

    def named(self, run: str, id: str) -> NamedArtifact:
        """Return the name and version of an artifact."""
        return self._services.artifact_queries.artifact(id)

    def model_version(self, run: str, id: str) -> str | None:
        """Return the version of a model whose run made an artifact, if any."""
        rows = self._services.database.read(_MODEL_VERSION, [id])
        return f"{rows[0][0]}@{rows[0][1]}" if rows else None

    def store(self, component: PinnedComponent) -> ArtifactStore:
        """Build the artifact store of a component."""
        return cast(ArtifactStore, self._services.resolver.built(component))

    def use_model(self, run: str, step: str, declared: Model, pin: Pin) -> LinkedVersion:
        """Return the version of a run, which a step makes or continues if it has none yet."""
        ((why,),) = self._services.database.read("SELECT why FROM runs WHERE id = ?", [run])
        return self._services.launcher.models.use(run, step, declared, pin, why)

    def log_on_model(self, run: str, version: str, metadata: dict[str, JsonValue]) -> None:
        """Add metadata to the version of a model with an id."""
        self._services.launcher.models.log(version, metadata)


class RunLogElsewhere:
    """The log in another process than that of the run: opened when it is first needed."""

    def __init__(self, home: str, url: str | None, actor: str, place: str) -> None:
        """Remember where the log is.

        Args:
            home: The folder of a local log.
            url: The address of a shared log; None for a local one.
            actor: Who acts.
            place: The location for messages.
        """
        self._address = home, url, actor
        self._place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return RunLogElsewhere, (*self._address, self._place)

    def workspace(self, run: str) -> "Workspace":
        """Return the workspace of a run.

        Raises:
            LogUnavailable: The log cannot be reached from here.
        """
        return self._log(run).workspace(run)

    def record(self, run: str, command: Command) -> None:
        """Execute a command on a run that has not ended, and save it."""
        self._log(run).record(run, command)

    def recorded(self, run: str, reference: str, taking: Taking) -> Recorded:
        """Return an artifact; see `application.runs.run_link.RunLog.recorded`."""
        return self._log(run).recorded(run, reference, taking)

    def last_saved(self, run: str, step: str) -> Mapping[str, Recorded]:
        """Return the artifacts that a step of a run saved last, by name."""
        return self._log(run).last_saved(run, step)

    def named(self, run: str, id: str) -> NamedArtifact:
        """Return the name and version of an artifact."""
        return self._log(run).named(run, id)

    def model_version(self, run: str, id: str) -> str | None:
        """Return the version of a model whose run made an artifact, if any."""
        return self._log(run).model_version(run, id)

    def store(self, component: PinnedComponent) -> ArtifactStore:
        """Build the artifact store of a component."""
        services = _opened.get(self._address)
        if services is None:  # it was opened to find the component
            raise LogUnavailable(self._place, "was closed")
        return RunLog(services).store(component)

    def use_model(self, run: str, step: str, declared: Model, pin: Pin) -> LinkedVersion:
        """Return the version of a run, which a step makes or continues if it has none yet."""
        return self._log(run).use_model(run, step, declared, pin)

    def log_on_model(self, run: str, version: str, metadata: dict[str, JsonValue]) -> None:
        """Add metadata to the version of a model with an id."""
        self._log(run).log_on_model(run, version, metadata)

    def _log(self, run: str) -> RunLog:
        """The log, if it is here: another machine may have another one at the same path.

        Raises:
            LogUnavailable: The log cannot be reached from here.
        """
        services = _opened.get(self._address)
        if services is None:
            services = self._open()
        if not services.database.read("SELECT 1 FROM runs WHERE id = ?", [run]):
            raise LogUnavailable(self._place, "is not the one on the machine of the step")
        return RunLog(services)

    def _open(self) -> "Services":
        from stackfold.infrastructure.workspace import Workspace

        home, url, actor = self._address
        if url is None and not exists(Path(home)):
            raise LogUnavailable(self._place, "does not exist on the machine of the step")
        try:
            workspace = Workspace.open(home, url, actor=actor)
        except (LogUnavailable, NotFound):
            raise
        except StackfoldError as error:
            raise LogUnavailable(self._place, f"cannot be opened: {error}") from error
        return _opened.setdefault(self._address, workspace._services)


_opened: "dict[tuple[str, str | None, str], Services]" = {}
"""Address → the log that this process has opened: a process executes one step after another."""
