"""Words that several messages need."""


def text_of(error: BaseException) -> str:
    """The message of any exception, or a note in parentheses if its class cannot make one."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return f"(its text cannot be made: {type(problem).__name__})"


def with_article(noun: str) -> str:
    """`noun` with its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
