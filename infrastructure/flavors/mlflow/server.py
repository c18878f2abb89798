"""Serves a model by `mlflow models serve`: `python -m` this module.

The model becomes one of MLflow's, of the kind `python_function`, whose loader is this module.
"""

import os
import shutil
import sys
import traceback
from typing import Any

from stackfold.infrastructure.flavors.model_serving import served_model
from stackfold.infrastructure.flavors.model_serving.served_model import Refused, ServedModel

_HERE = "stackfold.infrastructure.flavors.mlflow.server"
_MODEL = "mlflow-model"
"""The folder of MLflow's, inside the one that the server works in."""


def main() -> None:
    """Prepare the model, and become MLflow's server."""
    given = served_model.options()
    with served_model.needing("mlflow"):
        import mlflow.pyfunc
    # So that one that cannot be read is told of at once, and in one line.
    ServedModel.read(given)
    shutil.rmtree(_MODEL, ignore_errors=True)
    mlflow.pyfunc.save_model(
        _MODEL,
        loader_module=_HERE,
        data_path=given.model,
        pip_requirements=[f"mlflow=={mlflow.__version__}"],
    )
    options = {"model-uri": _MODEL, "env-manager": "local", "host": given.host, "port": given.port}
    command = [f"--{name}={value}" for name, value in {**options, "workers": 1}.items()]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "models", "serve", *command])  # noqa: S606


def _load_pyfunc(path: str) -> "MlflowModel":
    """What MLflow calls, in its server, to have the model."""
    return MlflowModel(path)


class MlflowModel:
    """A model as MLflow wants it."""

    def __init__(self, path: str) -> None:
        """Read it; its digest has been checked, in this folder that is nobody else's."""
        import pickle
        from pathlib import Path

        with Path(path).open("rb") as file:
            self._served = ServedModel(pickle.load(file))  # noqa: S301

    def predict(self, model_input: Any, params: Any = None) -> Any:
        """Ask it."""
        from mlflow.exceptions import MlflowException

        try:
            answer = self._served.answer(_numbers(model_input))
            found = {name: served_model.tensor(name, values) for name, values in answer.items()}
        except Refused as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        except Exception as error:
            # MLflow would tell neither the log nor whoever asks.
            traceback.print_exc()
            raise MlflowException(f"{type(error).__name__}: {error}") from error
        if [*found] == [served_model.OUTPUT]:
            return answer[served_model.OUTPUT]
        return answer


def _numbers(asked: Any) -> Any:
    """Numbers among which JSON had null, for NaN, are an array of objects otherwise."""
    if getattr(getattr(asked, "dtype", None), "kind", "") == "O":
        try:
            return asked.astype("float64")
        except (TypeError, ValueError):
            return asked
    return asked


if __name__ == "__main__":
    main()
