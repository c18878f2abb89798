"""Hooks: functions that are called when a step or a run starts or ends."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator


def valid_hook(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook if it can be called.

    Raises:
        ValueError: It is async, a generator, or takes more than one argument.
    """
    for each in (hook, getattr(type(hook), "__call__", None)):  # noqa: B004  # of its class
        for is_not_plain in (
            inspect.iscoroutinefunction,
            inspect.isgeneratorfunction,
            inspect.isasyncgenfunction,
        ):
            if is_not_plain(each):
                raise ValueError("it should be a plain function, neither async nor a generator")
    if takes_call(hook) is None:
        raise ValueError("it should take no argument or one")
    return hook


def takes_call(hook: Callable[..., Any]) -> bool | None:
    """Whether a hook takes an argument; None if it can be called neither with one nor without."""
    try:
        signature = inspect.signature(hook)
    except (TypeError, ValueError):  # written in C
        return True
    for arguments in ((None,), ()):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return bool(arguments)
    return None


Hook = Annotated[Callable[..., object], AfterValidator(valid_hook)]
"""A function that is called when a step or a run starts or ends."""
