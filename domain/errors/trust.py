"""Projects and logs that nobody here has trusted, and homes that cannot be found."""

from stackfold.domain.errors.refusal import StackfoldError


class UntrustedProject(StackfoldError):
    """A project file belongs to somebody else, and this home has not trusted its folder."""

    def __init__(self, folder: str, problem: str) -> None:
        """Say whose the project in `folder` is, and how to trust it."""
        self.folder, self.problem = folder, problem
        super().__init__(
            f"the project in {folder} is not yours: {problem}; if you trust it, run "
            f"`stackfold trust {folder}` or name its folder in STACKFOLD_TRUST"
        )


class UntrustedStore(StackfoldError):
    """A project names a shared log that this home has not trusted."""

    def __init__(self, folder: str, place: str) -> None:
        """Say which log the project in `folder` names, and how to trust it.

        Args:
            folder: The project's folder.
            place: The address of the log, as it may be shown.
        """
        self.folder, self.place = folder, place
        super().__init__(
            f"the project in {folder} names the log at {place}, which you have not used yet: if "
            f"you trust it, run `stackfold trust {folder}`"
        )


class HomeUnusable(StackfoldError):
    """A home cannot be read or written as a command needs it."""

    def __init__(self, home: str, problem: str) -> None:
        """Say what is wrong with the folder `home`."""
        self.home, self.problem = home, problem
        super().__init__(f"the home {home} {problem}")


class NoHome(StackfoldError):
    """There is no folder for the log: the user has none, or it cannot be named."""

    def __init__(self, problem: str) -> None:
        """Say why there is none."""
        self.problem = problem
        super().__init__(f"there is no home for Stackfold: {problem}")
