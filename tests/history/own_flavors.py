"""Flavors that tests register."""

from pydantic import JsonValue

from stackfold.application import ports


class Pager(ports.Alerter):
    """Pages a person."""

    flavor = "pager"

    class Configuration(ports.Configuration):
        """Any value may be given for any of these."""

        to: JsonValue = None
        level: JsonValue = None

    def send(self, alert: ports.Alert) -> None:
        """Nobody is paged."""


class Siren(ports.Alerter):
    """Wakes everybody up."""

    flavor = "siren"

    class Configuration(ports.Configuration):
        """Nothing is required."""

        volume: int = 1

    def send(self, alert: ports.Alert) -> None:
        """Nobody is woken up."""
