"""Parcel: an object that is sent to another process, and loaded there only if it is opened."""

import pickle


class Parcel:
    """An object as a pickle; calling it returns the object."""

    def __init__(self, content: object) -> None:
        """Pack an object.

        Args:
            content: The object; raises whatever it raises when it is pickled.
        """
        self._pickle = pickle.dumps(content)

    def __call__(self) -> object:
        """Return the object, or raise whatever its class raises when it is loaded."""
        return pickle.loads(self._pickle)  # noqa: S301 -- written by the process of the run
