"""The port of gateways: processes at the addresses of deployments that pass requests on."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Recorded = Mapping[str, Any]
"""What a gateway is found by, as JSON values: its machine, and the host and port it listens on."""


class Route(NamedTuple):
    """A server that a gateway passes requests on to."""

    server: str
    """The id of the server."""
    url: str
    """Its address for predictions, over HTTP."""
    share: int
    """The percentage of the requests that it answers."""
    title: str
    """What responses name as the model that answered."""


class Listen(NamedTuple):
    """Where a gateway listens."""

    host: str = "127.0.0.1"
    port: int | None = None
    """None for a free port."""


class GatewayState(NamedTuple):
    """The state of a gateway."""

    status: str
    """ "ready", "down" or "elsewhere"."""
    problem: str = ""


class Gateways(Protocol):
    """Starts, redirects and ends gateways; each is identified by the id of its deployment.

    A gateway survives the process that started it.
    """

    def can_route(self, url: str) -> bool:
        """Whether a gateway can pass requests on to an address: one of HTTP on this machine."""
        ...

    def open(
        self, id: str, listen: Listen, former: Recorded | None, routes: Sequence[Route]
    ) -> Recorded:
        """Start a gateway, unless one that runs can be used.

        Args:
            id: The deployment.
            listen: Where it listens.
            former: The gateway before, whose port is used again if it is free; None for none.
            routes: Where it passes requests on to.

        Raises:
            OSError: It cannot listen there, or did not start in time.
        """
        ...

    def route(self, id: str, routes: Sequence[Route]) -> None:
        """Replace the routes; requests in progress are not affected.

        Raises:
            OSError: The routes cannot be written.
        """
        ...

    def drain(self, id: str, recorded: Recorded, servers: Sequence[str], seconds: float) -> bool:
        """Wait until no request that servers answer is in progress.

        Returns:
            False if one still was after `seconds`.
        """
        ...

    def url(self, recorded: Recorded, url: str) -> str:
        """The address at which a gateway answers what a server answers at an address."""
        ...

    def address(self, recorded: Recorded) -> str:
        """The host and port by which this machine reaches a gateway, as "HOST:PORT"."""
        ...

    def state(self, id: str, recorded: Recorded) -> GatewayState:
        """Check a gateway, for a few seconds at most."""
        ...

    def is_recording(self, id: str, recorded: Recorded) -> bool:
        """Whether a gateway has handed requests to a recorder."""
        ...

    def close(self, id: str) -> None:
        """End the gateway, if it runs, and delete its files."""
        ...
