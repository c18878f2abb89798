"""The script of plotly, from its package if that is installed."""

from importlib.util import find_spec
from pathlib import Path


def plotly_script() -> Path | None:
    """Return the file of the script; None if the package is not installed. Imports nothing."""
    spec = find_spec("plotly")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "package_data", "plotly.min.js")
        if path.is_file():
            return path
    return None
