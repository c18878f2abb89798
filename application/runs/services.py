"""What the commands on runs need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.runs.cache_reasons import CacheReasons
    from stackfold.application.runs.launcher import RunLauncher
    from stackfold.application.runs.live_steps import LiveSteps
    from stackfold.application.runs.remote_steps import RemoteSteps
    from stackfold.application.runs.reruns import Reruns
    from stackfold.application.runs.resumption import Resumption
    from stackfold.application.runs.run_diffs import RunDiffs
    from stackfold.application.runs.run_outputs import RunOutputs
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.domain.runs.environment import Environment


class RunServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def claims(self) -> "Claims":
        """Locks runs against concurrent execution."""
        ...

    @property
    def resolver(self) -> "StackResolver":
        """Pins stacks, and builds the components of a pin."""
        ...

    @property
    def launcher(self) -> "RunLauncher":
        """Executes graphs on pinned stacks."""
        ...

    @property
    def remote_steps(self) -> "RemoteSteps":
        """Executes steps in the processes of an engine."""
        ...

    @property
    def resumption(self) -> "Resumption":
        """Resumes runs."""
        ...

    @property
    def reruns(self) -> "Reruns":
        """Repeats runs."""
        ...

    @property
    def run_outputs(self) -> "RunOutputs":
        """Reads values and logs."""
        ...

    @property
    def run_diffs(self) -> "RunDiffs":
        """Compares runs."""
        ...

    @property
    def cache_reasons(self) -> "CacheReasons":
        """Explains why steps were or were not cached."""
        ...

    @property
    def live_steps(self) -> "LiveSteps":
        """Shows running steps to other processes."""
        ...

    def environment(self) -> "Environment":
        """Describe this Python, platform and its packages."""
        ...
