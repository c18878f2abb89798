"""Pages that show a log in the browser, rendered on the server.

Start with `app.py`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackfold.web.app import create_app
    from stackfold.web.guard import LOOPBACK, WITHOUT_KEY, WithoutKey

__all__ = ["LOOPBACK", "WITHOUT_KEY", "WithoutKey", "create_app"]

_MODULES = {
    "LOOPBACK": "stackfold.web.guard",
    "WITHOUT_KEY": "stackfold.web.guard",
    "WithoutKey": "stackfold.web.guard",
    "create_app": "stackfold.web.app",
}


def __getattr__(name: str) -> Any:
    """Load a name on its first use: drawings need no package of the extra `ui`."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
