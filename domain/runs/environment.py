"""Environment: the Python, the machine and the packages that a run found."""

from pydantic import BaseModel, ConfigDict


class Environment(BaseModel):
    """What was there beside the stack when a run started; empty where nobody looked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    python: str = ""
    """The version of Python, such as "3.12.1"."""
    implementation: str = ""
    """Which Python, such as "cpython"."""
    platform: str = ""
    """System, release and machine, such as "Linux-6.1.0-x86_64"."""
    packages: dict[str, str] = {}
    """Installed distribution, in lower case with hyphens → version."""
