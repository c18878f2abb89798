"""The part of a run with the tags and metadata that are added later, to it and to its steps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from stackfold.domain.errors import NotFound, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.limits import TAGS, must_be_few
from stackfold.domain.runs.tags import retagged

if TYPE_CHECKING:
    from stackfold.domain.runs.run import Run
    from stackfold.domain.runs.step_definition import StepDefinition


class Annotation(NamedTuple):
    """The tags and the metadata of a step."""

    tags: tuple[str, ...] = ()
    metadata: Mapping[str, JsonValue] = {}


class LaterAnnotation(NamedTuple):
    """What was changed of the tags and the metadata that a step has recorded."""

    tags: Mapping[str, bool] = {}
    """Tag → True if it was added, False if it was removed."""
    metadata: Mapping[str, JsonValue] = {}
    """What was added or replaced."""

    def of(self, recorded: Annotation) -> Annotation:
        """Return recorded tags and metadata after these changes."""
        return Annotation(
            retagged(recorded.tags, self.tags), {**recorded.metadata, **self.metadata}
        )


class AnnotatedRun(Aggregate):
    """A run whose tags and metadata, and those of its steps, can be changed."""

    if TYPE_CHECKING:
        # The eventsourcing library makes a dataclass of a class with annotations.
        tags: tuple[str, ...]
        metadata: dict[str, JsonValue]
        steps: tuple[StepDefinition, ...]
        recorded: dict[str, Annotation]
        later: dict[str, LaterAnnotation]

    class Event(Aggregate.Event):
        """The base of the events of a run."""

    class Annotated(Event):
        """Tags or metadata of the run changed."""

        TOPIC = "run.annotated"
        tags: tuple[str, ...]
        """All tags after the change."""
        metadata: dict[str, JsonValue]
        """All metadata after the change."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.tags = self.tags
            aggregate.metadata = dict(self.metadata)

    class StepAnnotated(Event):
        """Tags or metadata of a step changed, or were applied again as its record changed."""

        TOPIC = "run.step_annotated"
        step: str
        tags: tuple[str, ...]
        """All tags of the step after the change."""
        metadata: dict[str, JsonValue]
        """All metadata of the step after the change."""
        later_tags: dict[str, bool]
        """Tag → True if it was added after the step had recorded its own, False if removed."""
        later_metadata: tuple[str, ...]
        """The names of the metadata that was added after the step had recorded its own."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.later[self.step] = LaterAnnotation(
                dict(self.later_tags), {name: self.metadata[name] for name in self.later_metadata}
            )

    def annotate(self, tags: dict[str, bool], metadata: dict[str, JsonValue]) -> None:
        """Change tags, and add metadata.

        Args:
            tags: Tag → True to add it, False to remove it.
            metadata: Key → value, to add or replace.

        Raises:
            NothingToChange: The run has these tags and metadata already.
            NotFound: The run was deleted.
            TooLarge: The run would have too many tags.
        """
        self.must_exist()
        new_tags = retagged(self.tags, tags)
        must_be_few("tags", len(new_tags), max(TAGS, len(self.tags)))
        new_metadata = {**self.metadata, **metadata}
        if (new_tags, new_metadata) == (self.tags, self.metadata):
            raise NothingToChange("run", self.name, self.version)
        self.trigger_event(self.Annotated, tags=new_tags, metadata=new_metadata)

    def annotate_step(
        self, step: str, tags: dict[str, bool], metadata: dict[str, JsonValue]
    ) -> None:
        """Change the tags of a step, and add metadata to it; both are kept if it runs again.

        Args:
            step: The name of the step.
            tags: Tag → True to add it, False to remove it.
            metadata: Key → value, to add or replace.

        Raises:
            NothingToChange: The step has these tags and metadata already.
            NotFound: The run was deleted, or has no such step.
            TooLarge: The step would have too many tags.
        """
        self.must_exist()
        names = [each.name for each in self.steps]
        if step not in names:
            raise NotFound("step", step, f"run {self.name!r} has {', '.join(names)}")
        recorded = self.recorded.get(step, Annotation())
        before = self.later.get(step, LaterAnnotation())
        now = before.of(recorded)
        # Removing a tag that the step does not have has no effect, also not on what it tags later.
        changes = {tag: add for tag, add in tags.items() if add or tag in now.tags}
        later = LaterAnnotation({**before.tags, **changes}, {**before.metadata, **metadata})
        after = later.of(recorded)
        must_be_few("tags", len(after.tags), max(TAGS, len(now.tags)))
        if after == now:
            message = f"step {step!r} of run {self.name!r} unchanged, revision {self.version}"
            raise NothingToChange("step", step, self.version, message=message)
        self._step_annotated(step, later)

    def _annotate_again(self, step: str) -> None:
        """Apply what was added to a step later to what it has recorded since, if anything was."""
        if step in self.later:
            self._step_annotated(step, self.later[step])

    def _step_annotated(self, step: str, later: LaterAnnotation) -> None:
        after = later.of(self.recorded.get(step, Annotation()))
        self.trigger_event(
            self.StepAnnotated,
            step=step,
            tags=after.tags,
            metadata=after.metadata,
            later_tags=later.tags,
            later_metadata=tuple(later.metadata),
        )
