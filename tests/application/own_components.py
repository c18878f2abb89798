"""Components that steps ask for; only tests have them."""

from pathlib import Path

from own_trackers import Notebook


class Safe(Notebook):
    """Says what its secret is."""

    flavor = "safe"

    def opened(self):
        return self.secret(self.configuration.password)


class Unsendable(Notebook):
    """Cannot be sent to another process."""

    flavor = "unsendable"

    def __init__(self, configuration, home: Path) -> None:
        super().__init__(configuration, home)
        self.connection = (each for each in ())


class Unloadable(Notebook):
    """Cannot be loaded in another process."""

    flavor = "unloadable"

    def __setstate__(self, state):
        raise OSError("no such device")
