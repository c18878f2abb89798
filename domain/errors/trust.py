"""Projects and logs that this home does not trust yet."""

from stackfold.domain.errors.bases import Forbidden


class UntrustedProject(Forbidden):
    """A project belongs to another user, and this home has not trusted its folder.

    Attributes:
        folder: The project's folder.
        problem: To whom it belongs.
    """

    def __init__(self, folder: str, problem: str) -> None:
        self.folder, self.problem = folder, problem
        super().__init__(
            f"the project in {folder} is not yours: {problem}; trust its "
            "folder, or name it in STACKFOLD_TRUST"
        )


class UntrustedStore(Forbidden):
    """A project names a shared log that this home has not trusted.

    Attributes:
        folder: The project's folder.
        location: The log's address, without a password.
    """

    def __init__(self, folder: str, location: str) -> None:
        self.folder, self.location = folder, location
        super().__init__(
            f"the project in {folder} names the log at {location}, which you have not used yet: "
            "trust the folder first"
        )
