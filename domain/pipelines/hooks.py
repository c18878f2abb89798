"""Hooks: functions that are called when a step or a run starts or ends."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator


def valid_hook(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook.

    Raises:
        ValueError: It could not be called, or nothing would come of it.
    """
    for each in (hook, getattr(type(hook), "__call__", None)):  # noqa: B004  # that of its class
        for is_odd in (
            inspect.iscoroutinefunction,
            inspect.isgeneratorfunction,
            inspect.isasyncgenfunction,
        ):
            if is_odd(each):
                raise ValueError("it should be a plain function, neither async nor a generator")
    if takes_call(hook) is None:
        raise ValueError("it should take nothing or one argument")
    return hook


def takes_call(hook: Callable[..., Any]) -> bool | None:
    """Whether a hook takes what it is told; None if it can be called neither with nor without."""
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
"""What is called when a step or a run starts or ends."""
