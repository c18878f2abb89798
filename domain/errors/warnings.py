"""Warnings: the command goes on, but its user should know."""

from collections.abc import Mapping, Sequence

from stackfold.domain.errors.bases import Copyable


class StackfoldWarning(Copyable, UserWarning):
    """Base class of all warnings.

    Attributes:
        message: One line: what is wrong, then what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The text of the warning."""
        return str(self)


class VersionsDiffer(StackfoldWarning):
    """A value is read with other versions than it was written with.

    Attributes:
        what: The value, such as "the artifact at file:///a".
        versions: "python" or a module → the version that wrote it, and the one here.
    """

    def __init__(self, what: str, versions: Mapping[str, tuple[str, str]]) -> None:
        self.what, self.versions = what, dict(versions)
        listed = ", ".join(f"{name} {was} (here {now})" for name, (was, now) in versions.items())
        super().__init__(
            f"{what} was written with {listed}: it may fail to load, or behave differently"
        )


class UnresolvedHint(StackfoldWarning):
    """A type hint names something that exists for type checkers only, so it is not checked.

    Attributes:
        owner: The step or the pipeline, such as "step 'train'".
        names: The parameters with such a hint; "return" for the returned value.
    """

    def __init__(self, owner: str, names: Sequence[str]) -> None:
        self.owner, self.names = owner, tuple(names)
        listed = ", ".join(names)
        super().__init__(
            f"{owner} has type hints that only a type checker can resolve ({listed}): they are "
            "taken as Any, and nothing is checked against them"
        )


class CodeChanged(StackfoldWarning):
    """A run is repeated with other code than it had.

    Attributes:
        run: The run's name.
        steps: The steps whose code changed.
    """

    def __init__(self, run: str, steps: Sequence[str]) -> None:
        self.run, self.steps = run, tuple(steps)
        listed = ", ".join(map(repr, steps))
        noun = "step" if len(steps) == 1 else "steps"
        super().__init__(f"the code of {noun} {listed} changed since run {run!r}")


class WouldNotRun(StackfoldWarning):
    """A dry run found that the pipeline could not run here and now.

    Attributes:
        problem: What is wrong, and what to do.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"as it is now, this would not run: {problem}")


class LogContradicts(StackfoldWarning):
    """Events of the log exclude each other; the read models were built from all of them.

    Attributes:
        position: The position of the event; 0 if the whole log is meant.
        problem: What is wrong with it.
    """

    def __init__(self, position: int, problem: str) -> None:
        self.position, self.problem = position, problem
        super().__init__(f"#{position} {problem}" if position else problem)


class AggregateSkipped(StackfoldWarning):
    """The read model of an aggregate of another package was not rebuilt or verified.

    A rebuild empties it. The first program that can use the aggregate builds it again.

    Attributes:
        topic: The topic of the aggregate.
        problem: Why not.
    """

    def __init__(self, topic: str, problem: str) -> None:
        self.topic, self.problem = topic, problem
        super().__init__(f"the read model of {topic!r} is left out: {problem}")


class HomeWritable(StackfoldWarning):
    """Other users may write in the home, and so choose what its commands trust and run.

    Attributes:
        home: The home's folder.
    """

    def __init__(self, home: str) -> None:
        self.home = home
        super().__init__(f"any user of this machine may write in the home {home}: chmod o-w {home}")
