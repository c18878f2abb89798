"""The part of `Runs` that reads what steps print, also while they are running."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from stackfold.application.arguments import checked
from stackfold.application.runs.live_steps import LiveStep, live_steps_of
from stackfold.application.runs.run_views import RunQueries
from stackfold.application.runs.services import RunServices


class StepText(NamedTuple):
    """A piece of what a step printed and logged."""

    step: str
    text: str


@checked
class RunTexts:
    """Queries for the output of steps."""

    _queries: RunQueries
    _services: RunServices

    def logs(self, reference: str, step: str | None = None) -> Iterator[str]:
        """Return what a run's steps printed and logged, as chunks of text.

        Of a step that is running, or was when its process was killed, these are the last 65,536
        characters so far.

        Args:
            reference: The run.
            step: A step, whose text is returned unchanged; None for all steps in topological
                order, with the step's name before each line.

        Raises:
            NotFound: The run or step does not exist.
            ArtifactDamaged: A text is missing or damaged.
        """
        return self._services.run_outputs.logs(reference, step)

    def follow(
        self, reference: str, step: str | None = None, *, interval: float = 0.5
    ) -> Iterator[StepText]:
        """Yield what a run's steps have printed and logged so far, and go on until the run ends.

        Args:
            reference: The run.
            step: Only this step, until it ends; None for all steps.
            interval: Seconds between two looks at the run.

        Raises:
            NotFound: The run or step does not exist.
            ArtifactDamaged: A text is missing or damaged.
        """
        return self._services.run_outputs.follow(reference, step, interval)

    def live(self, reference: str) -> Mapping[str, LiveStep]:
        """Return the steps of a run that are running now, with their text so far, by name.

        A step is shown once it has run for half a second.

        Args:
            reference: The run.

        Raises:
            NotFound: The run does not exist.
            Ambiguous: The reference is a prefix of several runs.
        """
        run = self._queries.describe_run(reference)
        return live_steps_of(run, self._services.live_steps)
