"""StepContext: gives a running step access to its run, and to its own record."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import JsonValue

from stackfold.application.ports import Alerter, StackComponent
from stackfold.application.running_step import running_step
from stackfold.application.runs.component_access import ComponentAccess
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.application.runs.run_link import RunLog
from stackfold.application.runs.step_artifacts import StepArtifact, StepArtifacts, StepFacts
from stackfold.application.runs.step_components import StepComponents
from stackfold.application.runs.step_tracker import StepTracker, Tracked
from stackfold.application.secrets.redaction import redacted, redacted_value
from stackfold.domain.errors import Invalid, InvalidTag, NotInStep
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.metadata import recordable_part
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.tags import valid_tag
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName


class RunFacts(NamedTuple):
    """The facts about a run that its steps can read."""

    id: str
    name: str
    pipeline: str
    pin: Pin
    started: datetime | None = None
    """When the run started; None if unknown."""
    model: LinkedVersion | None = None
    """The version of a model that the run makes or continues; None for none."""
    from_stack: str | None = None
    """The name of another stack from which it may take artifacts; None for none."""


@dataclass
class StepMetadata:
    """What a step adds to the record of itself or of one of its outputs."""

    metadata: dict[str, JsonValue] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    artifacts: StepFacts = field(default_factory=StepFacts)
    """What the step did with artifacts besides its inputs and outputs."""

    def __bool__(self) -> bool:
        return bool(self.metadata or self.tags)


class StepContext(ComponentAccess):
    """The step that is being executed; may be shared with threads that it starts.

    Attributes:
        run: The run's id.
        run_name: The run's name.
        pipeline: The pipeline's name.
        step: The step's name in the run.
        pin: The exact stack that the run uses: its revision and its components.
        model: The version of a model that the run makes or continues: its `model`, the name, and
            its `number`; None for none.
        tracker: Records to the experiment tracker of the stack.
    """

    def __init__(
        self,
        run: RunFacts,
        step: str,
        outputs: Mapping[str, StepMetadata] | tuple[str, ...],
        metadata: StepMetadata | None = None,
        tracked: Tracked | None = None,
        artifacts: StepArtifacts | None = None,
        inputs: Mapping[str, Artifact] = MappingProxyType({}),
        parameters: Mapping[str, Any] = MappingProxyType({}),
        components: StepComponents | None = None,
    ) -> None:
        """Create the context; a step gets it from `get_context`.

        Args:
            run: The run.
            step: The step's name in the run.
            outputs: The names of its outputs, or output → metadata and tags that it declares.
            metadata: Metadata and tags from the step's options.
            tracked: Its experiment tracker.
            artifacts: Saves and loads artifacts; None outside of a run.
            inputs: Input → its artifact.
            parameters: Input → a plain value.
            components: The components of the run's stack; None outside of a run.
        """
        self._components = components
        self.run, self.run_name, self.pipeline, self.pin = run[:4]
        self.model = run.model
        self.step = step
        self.metadata = StepMetadata() if metadata is None else metadata
        """To be recorded with the step."""
        self.output_metadata = (
            dict(outputs)
            if isinstance(outputs, Mapping)
            else {name: StepMetadata() for name in outputs}
        )
        """Output → to be recorded with it."""
        self._artifacts = artifacts
        if artifacts:
            self.metadata.artifacts = artifacts.facts
        self._inputs = inputs
        self._parameters = parameters
        self._lock = threading.Lock()
        self.tracker = StepTracker(tracked, step, self.log_metadata, self._left_out)

    @property
    def artifact_store(self) -> PinnedComponent:
        """The artifact store of the outputs: its name, flavor and resolved configuration."""
        (store, *_) = self.pin.components[ComponentType.ARTIFACT_STORE]
        return store

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its parameters: input → the plain value that it was given, or its default."""
        return self._parameters

    @property
    def inputs(self) -> Mapping[str, StepArtifact]:
        """Input → the artifact that it was given; "models[0]" for the first in a list."""
        link = self._artifacts.link if self._artifacts else None
        return {name: StepArtifact(each, link) for name, each in self._inputs.items()}

    @property
    def _run_log(self) -> RunLog | None:
        """Reaches the log of the run; None outside of a run."""
        link = self._artifacts.link if self._artifacts else None
        return link.log if link else None

    def save_artifact(
        self,
        value: Any,
        name: str,
        *,
        label: str = "",
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] = MappingProxyType({}),
    ) -> StepArtifact:
        """Store a value as the next version of an artifact, now: also if the step fails later.

        Args:
            value: The value.
            name: The artifact's name across pipelines, such as "checkpoint".
            label: A text that names the version, as in "checkpoint@best"; empty for none. If
                several versions have it, it names the latest.
            tags: Tags of the artifact.
            metadata: Metadata of the artifact.

        Raises:
            InvalidName: The name or the label breaks the rule for names.
            InvalidTag: A tag is invalid.
            Invalid: The step returns an output of that name, or the metadata cannot be recorded.
            ArtifactStoreUnavailable: The store cannot be written to.
            PickleForbidden: The value needs a pickle, which the run rejects.
        """
        return self._must_run().save(value, name, label, tags, metadata, self.output_metadata)

    def load_artifact(self, reference: str, *, from_stack: str | None = None) -> Any:
        """Return the value of an artifact, which is recorded as used by the step.

        What the step declares as `uses` is what it was when the run started, and part of the cache
        key. A step that loads another artifact is executed each time.

        Args:
            reference: The artifact, such as "dataset@approved" or "fraud@production".
            from_stack: The name of another stack that may have made an artifact for which no alias
                stands; None for the one that the run allows, if any.

        Raises:
            NotFound: It does not exist.
            Ambiguous: The reference means several artifacts.
            FromAnotherStack: It was made on another stack, and is not promoted.
            LogUnavailable: It is not declared, and the log cannot be reached from here.
            ArtifactDamaged: The value is missing or damaged.
        """
        return self._must_run().load(reference, from_stack)

    def use_model(self, model: Model | str) -> LinkedVersion:
        """Make or continue a version of a model, now; from now on, the run belongs to it.

        Steps of one run get the same version, in a resumed run, too. If the pipeline declares the
        model, or another step used it before, that version is returned. A step that is found in
        the cache makes the next version for its run. A step that names a version to continue is
        executed each time.

        Args:
            model: The model, as a name, "fraud@3" for a version to continue, or a `Model`; its
                label, tags, description and card count for a version or model that it makes.

        Returns:
            The version: its `model`, the name, and its `number`; also as the attribute `model`.

        Raises:
            Conflict: The run makes or continues another version.
            NotFound: The version to continue does not exist.
            NameTaken: An artifact has the name of the model, or another version has the label.
            InvalidName: The name breaks the rule for names.
            LogUnavailable: The log cannot be reached from here: declare it at the pipeline.
        """
        wanted = Model(model) if isinstance(model, str) else model
        if not isinstance(wanted, Model):
            raise Invalid(f"give the name of a model, or a Model, not {type(model).__name__}")
        self.model = self._must_run().use_model(wanted, self.pin)
        return self.model

    def log_model_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Add metadata to the version of a model that the run makes or continues, now.

        Args:
            metadata: Name → value; see `domain.runs.metadata.valid_metadata`.

        Raises:
            Invalid: The run has no version of a model, or the metadata cannot be recorded.
            LogUnavailable: The log cannot be reached from here.
        """
        artifacts = self._must_run()
        if self.model is None:
            raise Invalid('the run has no version of a model: call use_model("NAME") first')
        artifacts.log_on_model(self.model, metadata)

    def last_saved(self, name: str, default: Any = None) -> Any:
        """Return what this step of this run saved last, in an earlier attempt or before a resume.

        Args:
            name: The name that it was saved under.
            default: Returned if it has saved nothing.

        Raises:
            ArtifactDamaged: The value is missing or damaged.
        """
        return self._must_run().last_saved(name, default)

    def _component_names(self, type: TypeOrName) -> Sequence[str]:
        return [each.name for each in self.pin.components.get(ComponentType(type), ())]

    def _component(self, type: TypeOrName, name: str | None) -> StackComponent:
        if self._components is None:
            raise NotInStep()
        found = self._components.get(type, name)
        if isinstance(found, Alerter):
            found.thread = self.run_name
        return found

    def _must_run(self) -> StepArtifacts:
        if self._artifacts is None:
            raise NotInStep()
        return self._artifacts

    def log_metadata(self, metadata: Mapping[str, Any], output: str | None = None) -> None:
        """Add metadata to the step, or to one of its outputs; the last value of a name counts.

        The record is permanent. Values of secrets that were read are replaced in it. What cannot
        be recorded is omitted, with a warning of the logger `stackfold.metadata`.

        Args:
            metadata: Name → value; see `domain.runs.metadata.valid_metadata`.
            output: The output's name; None for the step.
        """
        target = self._metadata_of(output)
        valid, problems = recordable_part(metadata)
        for problem in problems:
            self._left_out(f"metadata {problem}")
        with self._lock:
            target.metadata |= redacted_value(valid)

    def add_tags(self, *tags: str, output: str | None = None) -> None:
        """Add tags, by which runs and artifacts can be found.

        An invalid tag is omitted with a warning, as by `log_metadata`.

        Args:
            *tags: Such as "nightly" or "team:vision".
            output: The output's name; None for the step.
        """
        target = self._metadata_of(output)
        valid = []
        for tag in tags:
            try:
                valid.append(valid_tag(str(tag)))
            except InvalidTag as error:
                self._left_out(f"a tag: {error}")
        with self._lock:
            target.tags = tuple(dict.fromkeys((*target.tags, *valid)))

    def _metadata_of(self, output: str | None) -> StepMetadata:
        if output is None:
            return self.metadata
        if output not in self.output_metadata:
            outputs = ", ".join(self.output_metadata) or "nothing"
            self._left_out(f"metadata of an output {output!r}: it returns {outputs}")
            return StepMetadata()
        return self.output_metadata[output]

    def _left_out(self, what: str) -> None:
        line = " ".join(redacted(f"step {self.step!r} goes on without {what}").split())
        logging.getLogger("stackfold.metadata").warning("%s", line)


_METADATA = "stackfold_metadata"
_current: ContextVar[StepContext | None] = ContextVar("step_context", default=None)


def get_context() -> StepContext:
    """Return the context of the step that is being executed in this thread.

    Raises:
        NotInStep: No step is executed here. Pass the context to threads that a step starts.
    """
    context = _current.get()
    if context is None:
        raise NotInStep()
    return context


@contextmanager
def executing(context: StepContext) -> Iterator[None]:
    """Make `context` the current one in the block."""
    token, recorded = _current.set(context), running_step.set(context)
    try:
        yield
    except BaseException as error:
        # The metadata travels with the error, from another process too.
        with suppress(Exception):  # of a class that takes no attributes
            vars(error)[_METADATA] = context.metadata
        raise
    finally:
        _current.reset(token)
        running_step.reset(recorded)


def metadata_on(error: BaseException) -> StepMetadata | None:
    """Return the metadata that a step had added when it raised; None if it had not begun."""
    metadata = getattr(error, "__dict__", {}).get(_METADATA)
    return metadata if isinstance(metadata, StepMetadata) else None
