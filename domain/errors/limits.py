"""Inputs that exceed a limit."""

from stackfold.domain.errors.bases import Invalid


class TooLarge(Invalid):
    """An input is larger than its limit, or there are more of them.

    Attributes:
        what: The input.
        limit: The limit with its unit, such as "64 KiB".
        remedy: What to do; may be empty.
    """

    def __init__(self, what: str, limit: str, remedy: str = "") -> None:
        self.what, self.limit, self.remedy = what, limit, remedy
        super().__init__(f"{what}: more than {limit}" + (f"; {remedy}" if remedy else ""))
