"""StepArtifacts: what a running step saves besides its outputs, and loads besides its inputs."""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from stackfold.application.artifacts.artifact_views import NamedArtifact
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.new_version import NewVersion
from stackfold.application.artifacts.values import artifact_of, read, write
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.application.runs.run_link import Command, Recorded, RunLink, Taking
from stackfold.application.secrets.redaction import redacted_value
from stackfold.domain.errors import FromAnotherStack, Invalid, LogUnavailable, NotFound, NotInStep
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.pipelines.graph import StepFunction
from stackfold.domain.pipelines.output import own_name
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.runs.metadata import valid_metadata
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run


class UsedModel(NamedTuple):
    """The version of a model that a step asked for."""

    declared: Model
    version: LinkedVersion


class Saved(NamedTuple):
    """An artifact that a step saved where the log could not be reached, to be recorded later."""

    artifact: Artifact
    own: OwnName

    def command(self, step: str) -> Command:
        """Return the command that records it as saved by a step."""
        return lambda run: run.artifact_saved(step, self.artifact, self.own)


@dataclass
class StepFacts:
    """What a step did with artifacts, to be recorded when it ends."""

    used: dict[str, UUID] = field(default_factory=dict)
    """Reference → the artifact that it was."""
    undeclared: bool = False
    """Whether it loaded an artifact without declaring it, so that it must not be cached."""
    saved: list[Saved] = field(default_factory=list)
    """Saved, and not recorded yet."""
    model: UsedModel | None = None
    """The version of a model that it asked for."""

    @property
    def model_declaration(self) -> dict[str, Any]:
        """The declaration of the model that it asked for a version of; empty for none."""
        if self.model is None:
            return {}
        record: Any = self.model.declared.model_dump(mode="json")
        return {"name": record} if isinstance(record, str) else dict(record)


class StepArtifact:
    """An artifact that a step was given, or that it saved.

    Attributes:
        id: The artifact's id.
        type: The value's Python type, as "module.Class".
        digest: sha256 of the stored bytes, in hexadecimal.
        size: Length in bytes.
        metadata: Its metadata when it was recorded.
        tags: Its tags when it was recorded.
    """

    def __init__(self, artifact: Artifact, link: RunLink | None) -> None:
        """Create the view of an artifact.

        Args:
            artifact: The recorded artifact.
            link: Reaches the log, which knows its name; None if there is no log.
        """
        self.id = str(artifact.id)
        self.type = artifact.type
        self.digest = artifact.digest
        self.size = artifact.size
        self.metadata: Mapping[str, Any] = artifact.metadata
        self.tags = artifact.tags
        self._link = link

    def __repr__(self) -> str:
        return f"<StepArtifact {self.id}: {self.type}>"

    @property
    def reference(self) -> str:
        """Its reference, as "name@version"; raises as `name`."""
        return self._named.reference

    @property
    def name(self) -> str:
        """Its own name, or "pipeline/step/output"; read from the log when first asked for.

        Raises:
            LogUnavailable: The log cannot be reached from where the step is executed.
        """
        return self._named.name

    @property
    def version(self) -> int:
        """Its number among artifacts of that name; raises as `name`."""
        return self._named.version

    @property
    def label(self) -> str:
        """The text that names its version; empty for none. Raises as `name`."""
        return self._named.label

    @property
    def model_version(self) -> str | None:
        """The model version whose run made it, as "fraud@3"; None for none. Raises as `name`."""
        return self._reached.model_version(self.id)

    @cached_property
    def _named(self) -> NamedArtifact:
        return self._reached.named(self.id)

    @property
    def _reached(self) -> RunLink:
        if self._link is None:
            raise LogUnavailable("-", "is not there: no run is executed")
        return self._link


class StepArtifacts:
    """The artifacts of one executed step besides its inputs and outputs."""

    def __init__(
        self,
        step: str,
        run: str,
        function: StepFunction,
        store: ArtifactStore,
        component: PinnedComponent,
        materializers: Materializers,
        link: RunLink | None,
        uses: Mapping[str, tuple[Artifact, ArtifactStore]],
        taking: Taking,
    ) -> None:
        """Create the artifacts of a step.

        Args:
            step: The step's name in its run.
            run: The run's id.
            function: The step.
            store: The artifact store of the run.
            component: Its component.
            materializers: Write and read values.
            link: Reaches the log of the run; None if there is none.
            uses: Reference → the artifact that it was when the run started, and its store.
            taking: Which artifacts of other runs it may load.
        """
        self._step = step
        self._run = run
        self._function = function
        self._store = store
        self._component = component
        self._materializers = materializers
        self.link = link
        self._uses = uses
        self._taking = taking
        self._lock = threading.Lock()
        self.facts = StepFacts({text: each.id for text, (each, _) in uses.items()})

    def save(
        self,
        value: Any,
        name: str,
        label: str,
        tags: Iterable[str],
        metadata: Mapping[str, Any],
        outputs: Collection[str],
    ) -> StepArtifact:
        """Store a value and record it at once; raises as `StepContext.save_artifact`."""
        version = NewVersion.of(name, label, tags, metadata)
        name = version.own.name
        if name in outputs:
            problem = f"step {self._step!r} returns an output {name!r}: save it under another name"
            raise Invalid(problem)
        written = write(name, value, self._store, self._materializers)
        merged = {**written.metadata, **version.metadata}
        artifact = written.model_copy(update={"metadata": merged, "tags": version.tags})
        saved = Saved(artifact, version.own)
        with self._lock:
            self._record(saved)
        return StepArtifact(saved.artifact, self.link)

    def _record(self, saved: Saved) -> None:
        if self.link:
            try:
                self.link.record(saved.command(self._step))
                return
            except LogUnavailable:
                pass  # recorded with the outcome of the step, by the process of the run
        self.facts.saved.append(saved)

    def load(self, reference: str, from_stack: str | None) -> Any:
        """Return the value of an artifact; raises as `StepContext.load_artifact`."""
        if reference in self._uses:
            artifact, store = self._uses[reference]
            return read(artifact, store, self._materializers, self._function)
        found = self._found(reference, from_stack)
        if (found.view.run, found.view.step) != (self._run, self._step):
            with self._lock:
                self.facts.used[reference] = UUID(found.view.id)
                self.facts.undeclared = True
        return self._value(found)

    def last_saved(self, name: str, default: Any) -> Any:
        """Return what this step saved last; raises as `StepContext.last_saved`."""
        name = own_name(name)
        for each in reversed(self.facts.saved):
            if each.own.name == name:
                return read(each.artifact, self._store, self._materializers, self._function)
        found = self.link.last_saved(name) if self.link else None
        return self._value(found) if found else default

    def use_model(self, declared: Model, pin: Pin) -> LinkedVersion:
        """Return the version of the run; raises as `StepContext.use_model`."""
        if self.link is None:
            raise NotInStep()
        try:
            version = self.link.use_model(declared, pin)
        except LogUnavailable as error:
            raise LogUnavailable(
                error.location,
                f"cannot be asked for a version of model {declared.name!r} by step "
                f'{self._step!r}: declare it at the pipeline, @pipeline(model="{declared.name}")',
            ) from error
        with self._lock:
            self.facts.model = UsedModel(declared, version)
            # What the step does now depends on the version that it chose.
            self.facts.undeclared |= declared.version is not None
        return version

    def log_on_model(self, version: LinkedVersion, metadata: Mapping[str, Any]) -> None:
        """Add metadata to a version; raises as `StepContext.log_model_metadata`."""
        try:
            added = valid_metadata(metadata)
        except ValueError as error:
            raise Invalid(f"the metadata of model version {str(version)!r} {error}") from error
        if self.link is None:
            raise NotInStep()
        try:
            self.link.log_on_model(version.id, redacted_value(added))
        except LogUnavailable as error:
            problem = f"cannot be given metadata of {version}: log it as metadata of the step"
            raise LogUnavailable(error.location, problem) from error

    def _found(self, reference: str, from_stack: str | None) -> Recorded:
        if self.link is None:
            raise NotFound("artifact", reference, "no run is executed")
        try:
            allowed = from_stack or self._taking.from_stack
            return self.link.recorded(reference, self._taking._replace(from_stack=allowed))
        except LogUnavailable as error:
            declare = f'declare it at the step, @step(uses=("{reference}",))'
            raise LogUnavailable(
                error.location,
                f"cannot be asked for {reference!r} by step {self._step!r}: {declare}",
            ) from error
        except (NotFound, FromAnotherStack):
            self.facts.undeclared = True  # what the step does now depends on that
            raise

    def _value(self, found: Recorded) -> Any:
        ours, its = self._component, found.store
        store = self._store
        if (its.flavor, its.configuration) != (ours.flavor, ours.configuration) and self.link:
            store = self.link.store(its)
        return read(artifact_of(found.view), store, self._materializers, self._function)


def linking(step: str, facts: StepFacts, found: tuple[UUID, ...] = ()) -> list[Command]:
    """Return the commands that record what a step that ended did with artifacts.

    Args:
        step: The step's name.
        facts: What it did.
        found: What the execution in the cache had saved.
    """
    commands: list[Command] = [each.command(step) for each in facts.saved]
    if facts.used or found:
        commands.append(lambda run: _link(run, step, facts.used, found))
    return commands


def _link(run: Run, step: str, used: Mapping[str, UUID], saved: tuple[UUID, ...]) -> None:
    run.artifacts_linked(step, used, saved)
