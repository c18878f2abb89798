"""The server of MLflow, `mlflow models serve`: `python -m stackfold.serve mlflow`.

The model is saved as an MLflow model of the kind `python_function` whose loader is this module.
"""

import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stackfold.infrastructure.flavors.model_serving import server_log
from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    DEFAULT_OUTPUT,
    InvalidInput,
    to_tensor,
)
from stackfold.infrastructure.flavors.model_serving.model_files import read_model
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel
from stackfold.infrastructure.flavors.model_serving.server_program import parse_options, requires

_MODEL_FOLDER = "mlflow-model"
"""MLflow's folder of the model, in the working folder."""


def main(arguments: Sequence[str]) -> None:
    """Save the model for MLflow, and replace this process by MLflow's server.

    Args:
        arguments: The options of `stackfold.serve`.
    """
    given = parse_options(arguments)
    with requires("mlflow"):
        import mlflow.pyfunc
    # A model that cannot be read is reported at once, and in one line.
    ServedModel.read(given)
    shutil.rmtree(_MODEL_FOLDER, ignore_errors=True)
    mlflow.pyfunc.save_model(
        _MODEL_FOLDER,
        loader_module=__name__,
        data_path=given.model,
        pip_requirements=[f"mlflow=={mlflow.__version__}"],
    )
    options = {
        "model-uri": _MODEL_FOLDER,
        "env-manager": "local",
        "host": given.host,
        "port": given.port,
        "workers": 1,
    }
    command = [f"--{name}={value}" for name, value in options.items()]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "models", "serve", *command])  # noqa: S606


def _load_pyfunc(path: str) -> "MlflowModel":
    """Load the model; MLflow calls this in the process of its server."""
    server_log.limit_size()
    return MlflowModel(path)


class MlflowModel:
    """The model, with the interface that MLflow expects."""

    def __init__(self, path: str) -> None:
        """Read the model; its digest has been checked, and the folder is private."""
        self._served = ServedModel(read_model(Path(path)))

    def predict(self, model_input: Any, params: Any = None) -> Any:
        """Predict from an array or a data frame."""
        from mlflow.exceptions import MlflowException

        try:
            arrays = self._served.predict_arrays(_to_numbers(model_input))
            for name, array in arrays.items():
                to_tensor(name, array)  # rejects what JSON cannot carry
        except InvalidInput as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        except Exception as error:
            # MLflow itself neither logs the error nor returns it to the client.
            traceback.print_exc()
            raise MlflowException(f"{type(error).__name__}: {error}") from error
        return arrays[DEFAULT_OUTPUT] if [*arrays] == [DEFAULT_OUTPUT] else arrays


def _to_numbers(rows: Any) -> Any:
    """Convert an array of objects to numbers: with null for NaN, JSON gives objects."""
    if getattr(getattr(rows, "dtype", None), "kind", "") == "O":
        try:
            return rows.astype("float64")
        except (TypeError, ValueError):
            return rows
    return rows
