"""The model of a server: it is read once, and asked with tensors or rows."""

import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor,
    InvalidInput,
    model_input,
    named_arrays,
    to_tensor,
)
from stackfold.infrastructure.flavors.model_serving.model_files import model_digest, read_model
from stackfold.infrastructure.flavors.model_serving.server_program import Options, exit_with


class ServedModel:
    """An object with a method `predict`, or a function of the rows."""

    def __init__(self, model: Any) -> None:
        """Wrap a model; its type must have `predict`, or be callable."""
        self._predict = _predict_of(model)

    @classmethod
    def read(cls, options: Options) -> "ServedModel":
        """Read the model that the options name; ends the program if it cannot be read.

        A URL is read by obstore, which takes the store's settings from the environment.
        """
        try:
            with _local(options.model) as path:
                digest = model_digest(path)
                if digest != options.digest:
                    problem = f"its sha256 is {digest} and should be {options.digest}"
                    exit_with(f"the model is damaged: {problem}")
                model = read_model(path)
        except Exception as error:
            exit_with(f"the model cannot be loaded: {type(error).__name__}: {error}")
        _warn_of_other_versions(json.loads(options.versions))
        if not callable(_predict_of(model)):
            exit_with(f"the model is a {type(model).__name__}, which has no method predict")
        return cls(model)

    def predict(self, inputs: Sequence[InferenceTensor]) -> list[InferenceTensor]:
        """Predict from tensors: one is passed to the model as an array, several as a data frame.

        Raises:
            InvalidInput: The tensors are invalid, or the model rejects them.
            Exception: Any other error of the model.
        """
        arrays = self.predict_arrays(model_input(inputs))
        return [to_tensor(name, array) for name, array in arrays.items()]

    def predict_arrays(self, rows: Any) -> dict[str, Any]:
        """Predict from an array or a data frame: output name → array; raises as `predict`."""
        return named_arrays(self.predict_rows(rows))

    def predict_rows(self, rows: Any) -> Any:
        """Return what the model returns for rows; raises as `predict`."""
        try:
            return self._predict(rows)
        except (ValueError, TypeError, KeyError) as error:
            # Models, those of scikit-learn among them, reject inputs by these.
            message = " ".join(f"{type(error).__name__}: {error}".split())
            raise InvalidInput(message) from error


def _predict_of(model: Any) -> Any:
    """What predicts from rows: a method, or the model itself if it is a function."""
    kind = type(model)
    if kind.__module__.startswith("xgboost.") and kind.__name__ == "Booster":
        return model.inplace_predict  # its `predict` takes matrices of xgboost only
    return getattr(model, "predict", model)


@contextmanager
def _local(source: str) -> Iterator[Path]:
    """Return the path of a model; one at a URL is downloaded."""
    if "://" not in source:
        yield Path(source)
        return
    from obstore.store import from_url

    folder, _, name = source.rpartition("/")
    with tempfile.NamedTemporaryFile() as temporary:
        for chunk in from_url(folder).get(name).stream():
            temporary.write(chunk)
        temporary.flush()
        yield Path(temporary.name)


def _warn_of_other_versions(versions: Mapping[str, str]) -> None:
    for name, written_by in versions.items():
        if name == "python":
            installed = platform.python_version()
            same = installed.split(".")[:2] == written_by.split(".")[:2]
        else:
            installed = getattr(sys.modules.get(name), "__version__", written_by)
            same = installed == written_by
        if not same:
            text = f"warning: the model was made with {name} {written_by}, and here is {installed}"
            print(text, file=sys.stderr, flush=True)  # noqa: T201
