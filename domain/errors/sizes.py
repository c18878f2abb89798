"""What is larger than its limit, or nested more deeply."""

from stackfold.domain.errors.refusal import StackfoldError


class TooLarge(StackfoldError):
    """Something that was given is larger than its limit, or there is more of it."""

    def __init__(self, what: str, limit: str, remedy: str = "") -> None:
        """Refuse `what`, which may be at most `limit` (such as "64 KiB"); say what helps."""
        self.what, self.limit = what, limit
        super().__init__(f"{what}: more than {limit}" + (f"; {remedy}" if remedy else ""))


class TooDeep(StackfoldError):
    """Values are nested more deeply than can be recorded, or contain themselves."""

    def __init__(self, what: str) -> None:
        """Refuse `what`."""
        self.what = what
        super().__init__(f"{what}: nested too deeply, or contains itself: flatten it")
