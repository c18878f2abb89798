"""What goes on all the same, but should be known."""

from collections.abc import Sequence


class StackfoldWarning(UserWarning):
    """Something that a user should know; its text is one line."""


class VersionsDiffer(StackfoldWarning):
    """A value was written with other versions than those that read it."""

    def __init__(self, what: str, versions: dict[str, tuple[str, str]]) -> None:
        """Say what differs.

        Args:
            what: The value, such as "the artifact at file:///a".
            versions: "python" or a module → the version that wrote it, and the one here.
        """
        self.what, self.versions = what, versions
        told = ", ".join(f"{name} {was} (here {now})" for name, (was, now) in versions.items())
        super().__init__(
            f"{what} was written with {told}: it may fail to load, or behave otherwise"
        )


class UnresolvedHint(StackfoldWarning):
    """A type hint names what exists for type checkers only."""

    def __init__(self, owner: str, names: Sequence[str]) -> None:
        """Create the warning.

        Args:
            owner: The step or the pipeline, such as "step 'train'".
            names: The parameters with such a hint; "return" for what it returns.
        """
        self.owner, self.names = owner, tuple(names)
        listed = ", ".join(names)
        super().__init__(
            f"{owner} has type hints that only a type checker can resolve ({listed}): they are "
            "taken as Any, and nothing is checked against them"
        )


class CodeChanged(StackfoldWarning):
    """A run is repeated with other code than it had."""

    def __init__(self, run: str, steps: list[str]) -> None:
        """Say which `steps` are not what they were in `run`."""
        self.run, self.steps = run, steps
        told = ", ".join(map(repr, steps))
        noun = "step" if len(steps) == 1 else "steps"
        super().__init__(f"the code of {noun} {told} is not what it was in run {run!r}")


class WouldNotRun(StackfoldWarning):
    """What a dry run tells of could not be run, here and now."""

    def __init__(self, problem: str) -> None:
        """Say what the `problem` is, and what fixes it."""
        self.problem = problem
        super().__init__(f"as it is now, this would not run: {problem}")


class LogContradicts(StackfoldWarning):
    """Events of the log exclude each other; the read models were made all the same."""

    def __init__(self, position: int, problem: str) -> None:
        """Say what the `problem` with the event at `position` is, or with the log if that is 0."""
        self.position, self.problem = position, problem
        super().__init__(f"#{position} {problem}" if position else problem)


class HomeWritable(StackfoldWarning):
    """Others may write in the home, and so choose what its commands trust and run."""

    def __init__(self, home: str) -> None:
        """Say how to keep them out of the folder `home`."""
        self.home = home
        super().__init__(f"any user of this machine may write in the home {home}: chmod o-w {home}")
