"""Any other object, by cloudpickle: reading it executes what the store holds."""

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

from stackfold.application.ports import ArtifactWriter, FindClass, Materializer


class CloudpickleMaterializer(Materializer):
    """Writes what nothing else takes. To read it is to trust whoever can write to the store."""

    name = "cloudpickle"

    def prepare(self, value: object) -> Callable[[ArtifactWriter], object] | None:
        # Costs 20 ms to import, which a pipeline of plain values never pays.
        import cloudpickle

        return lambda file: cloudpickle.dump(value, file)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return pickle.load(file)  # noqa: S301  # the digest was checked; the artifact names this
