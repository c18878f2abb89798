"""Environment: the Python version, the platform and the packages of a run."""

from pydantic import BaseModel, ConfigDict


class Environment(BaseModel):
    """The Python version, platform and packages when a run started; empty where unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    python: str = ""
    """The version of Python, such as "3.12.1"."""
    implementation: str = ""
    """The implementation of Python, such as "cpython"."""
    platform: str = ""
    """System, release and machine, such as "Linux-6.1.0-x86_64"."""
    packages: dict[str, str] = {}
    """Installed distribution, as a normalized name → version."""
