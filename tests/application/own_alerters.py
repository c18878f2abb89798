"""An alerter as users write them; only tests have it."""

from stackfold import flavors


class Noisy(flavors.Alerter[flavors.Configuration]):
    """Raises what nobody expects."""

    flavor = "noisy"
    Configuration = flavors.Configuration

    def send(self, alert: flavors.Alert) -> None:
        raise ZeroDivisionError("over\ntwo lines")
