"""Artifact stores that connect to something; only tests have them."""

import threading

from stackfold.domain.errors import ArtifactStoreUnavailable
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

ASKED: list[str] = []
"""The flavors that were asked for their connection."""
NEVER = threading.Event()


class Open(LocalArtifactStore):
    """Can be used."""

    flavor = "open"

    def check_connection(self) -> None:
        ASKED.append(self.flavor)


class Shut(LocalArtifactStore):
    """Says that it cannot be used."""

    flavor = "shut"

    def check_connection(self) -> None:
        ASKED.append(self.flavor)
        raise ArtifactStoreUnavailable("shut://", "nothing answers")


class Odd(LocalArtifactStore):
    """Raises what it likes."""

    flavor = "odd"

    def check_connection(self) -> None:
        raise ValueError("two\nlines")


class Silent(LocalArtifactStore):
    """Never answers."""

    flavor = "silent"

    def check_connection(self) -> None:
        NEVER.wait()
