"""What the service of policies asks: which are enabled, and which this process has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from stackfold.application.eventsourcing.as_of import AsOf

if TYPE_CHECKING:
    from stackfold.application.policies.policy import Policy


class StoredPolicy(NamedTuple):
    """A policy that is enabled in a log."""

    name: str
    topics: Sequence[str]
    description: str
    package: str | None
    version: str | None
    source: str
    revision: int
    updated: str
    by: str

    @property
    def origin(self) -> str:
        """The package and version that provides it, or the module and name of the object."""
        return f"{self.package} {self.version}" if self.package else self.source


class PolicyQueries(Protocol):
    """Reads the enabled policies."""

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        ...

    def enabled(self, as_of: int | None = None) -> Sequence[StoredPolicy]:
        """The enabled policies by name, now or at a position."""
        ...


class Candidate(NamedTuple):
    """A policy that this process can load."""

    name: str
    package: str | None
    """The distribution that provides it; None if the program declares it."""
    version: str | None
    source: str
    """The object, as "module:NAME"."""


class AvailablePolicies(Protocol):
    """The policies that this process has: those of installed packages and of the program."""

    def candidates(self) -> Sequence[Candidate]:
        """All of them by name; imports none."""
        ...

    def find(self, name: str, package: str | None = None) -> Candidate | None:
        """The candidate of a name; None if there is none.

        A policy that the program declares takes precedence.

        Args:
            name: The name.
            package: The distribution that must provide it; None for any.

        Raises:
            InvalidPolicy: Several packages provide it.
        """
        ...

    def load(self, candidate: Candidate) -> "Policy":
        """Import a candidate.

        Raises:
            InvalidPolicy: It cannot be imported, or is no policy of its name.
        """
        ...
