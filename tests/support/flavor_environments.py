"""The environments of flavors, which are made beside the one of the tests."""

import sys
from pathlib import Path


def environment(name: str) -> Path:
    """Return the folder of a flavor's environment, which holds the same choice of versions.

    The main environment is `.venv`, a flavor's is `.venv-flavors/NAME`; with the newest versions
    they are `.venv-newest` and `.venv-newest-flavors/NAME`.
    """
    here = Path(sys.prefix)
    if here.parent.name.endswith("-flavors"):
        return here.parent / name
    return here.with_name(f"{here.name}-flavors") / name
