"""Models, their versions and aliases."""

from collections.abc import Sequence

from stackfold.domain.errors.bases import Conflict, Forbidden, Invalid, Unavailable


class InvalidAlias(Invalid):
    """A text cannot be an alias of model versions.

    Attributes:
        alias: The text.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, alias: str, problem: str) -> None:
        self.alias, self.problem = alias, problem
        super().__init__(f"{alias!r:.200} cannot be an alias: {problem}")


class FromAnotherStack(Conflict):
    """An artifact that is not promoted was made on another stack than the one that takes it.

    Attributes:
        artifact: The artifact, such as "sales@2".
        made_on: The names of the stacks that it was made on.
        stack: The name of the stack that takes it.
    """

    def __init__(self, artifact: str, made_on: Sequence[str], stack: str) -> None:
        self.artifact, self.made_on, self.stack = artifact, list(made_on), stack
        made = " and ".join(map(repr, made_on)) or "a deleted stack"
        super().__init__(
            f"{artifact!r} was made on stack {made}, not on {stack!r}, and no alias stands for it: "
            "promote it, or take it from that stack explicitly"
        )


class PromotionRefused(Forbidden):
    """The gate of an alias refused a promotion, which was recorded.

    Attributes:
        version: The version, as "model@number".
        alias: The alias.
        problem: The conditions that are not met.
        position: The position of the record in the log.
    """

    def __init__(self, version: str, alias: str, problem: str, position: int) -> None:
        self.version, self.alias = version, alias
        self.problem, self.position = problem, position
        super().__init__(
            f"{version} may not be {alias}: {problem} (recorded at {position}): promote another "
            "version, or force it"
        )


class ModelRegistryUnavailable(Unavailable):
    """A model registry cannot be reached.

    Attributes:
        location: Its address.
        problem: What is wrong with it.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        super().__init__(f"the model registry at {location}", problem)


class ModelRegistryRejected(Conflict):
    """A model registry does not take a version or an alias.

    Attributes:
        location: Its address.
        problem: What is wrong, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location, self.problem = location, problem
        super().__init__(f"the model registry at {location} rejects it: {problem}")
