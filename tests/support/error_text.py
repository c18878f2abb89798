"""All text that an error could reveal."""


def error_text(error: BaseException | None) -> str:
    """The messages, data and notes of an error and of every error that it was raised from."""
    if error is None:
        return ""
    text = f"{error} {error!r} {error.args} {vars(error)}"
    if hasattr(error, "errors"):
        text += repr(error.errors())
    return text + error_text(error.__cause__) + error_text(error.__context__)
