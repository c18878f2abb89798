"""Everything that an error could tell somebody."""


def told_by(error: BaseException | None) -> str:
    """The texts of an error and of all errors behind it, with their data and notes."""
    if error is None:
        return ""
    told = f"{error} {error!r} {error.args} {vars(error)}"
    if hasattr(error, "errors"):
        told += repr(error.errors())
    return told + told_by(error.__cause__) + told_by(error.__context__)
