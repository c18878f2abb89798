"""The model deployer `mlflow`."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from stackfold.application.ports.model_deployer import Deployed, ModelToServe
from stackfold.application.ports.tensors import Tensor, nested
from stackfold.domain.errors import DeploymentUnavailable, NoManifest, PredictionRejected
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.served_locally import ServedLocally
from stackfold.infrastructure.flavors.model_serving.server_requests import null_for_nan
from stackfold.infrastructure.flavors.model_serving.server_settings import ServerSettings

_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
_OUTPUT = "predict"


class MlflowModelDeployer(ServedLocally):
    """Serves models by `mlflow models serve`."""

    flavor = "mlflow"
    program = "stackfold.infrastructure.flavors.mlflow.server"

    class Configuration(ServerSettings):
        """How servers run here."""

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def ready_path(self, name: str) -> str:
        return "/ping"

    def inference_path(self, name: str) -> str:
        return "/invocations"

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        address, path = self._address(deployed), self.inference_path(deployed.name)
        asked = _asked(deployed.name, inputs)
        told = server_requests.ask(deployed.name, address, path, asked, self.configuration.timeout)
        try:
            predicted = told["predictions"]
            named = predicted if isinstance(predicted, dict) else {_OUTPUT: predicted}
            return [_tensor(name, values) for name, values in named.items()]
        except (TypeError, KeyError) as error:
            what = "what answers there is no model server"
            raise DeploymentUnavailable(deployed.name, what) from error

    def manifest(self, model: ModelToServe) -> str:
        problem = "it serves on this machine only: use the flavor kserve or seldon"
        raise NoManifest(f"the model deployer {self.flavor!r}", problem)


def _asked(name: str, inputs: Sequence[Tensor]) -> dict[str, Any]:
    """Tensors in MLflow's words: an array, or the columns of a data frame if there are several."""
    if not inputs:
        raise PredictionRejected(name, "there is no input")
    try:
        lists = [nested(each._replace(data=_values(each))) for each in inputs]
    except (TypeError, ValueError) as error:
        raise PredictionRejected(name, str(error)) from error
    if len(inputs) == 1:
        return {"inputs": lists[0]}
    if len({len(each.data) for each in inputs}) > 1:
        problem = "several inputs are the columns of a data frame: give all the same length"
        raise PredictionRejected(name, problem)
    rows = zip(*(_values(each) for each in inputs), strict=True)
    columns = [each.name for each in inputs]
    return {"dataframe_split": {"columns": columns, "data": [[*row] for row in rows]}}


def _values(given: Tensor) -> list[Any]:
    """Its values, as the type of JSON's that stands for theirs: there, 1 is an integer."""
    if given.datatype.startswith("FP"):
        return [value if value is None else null_for_nan(float(value)) for value in given.data]
    return [*given.data]


def _tensor(name: str, told: Any) -> Tensor:
    """Lists in lists as a tensor, of the type that JSON tells: its integers are INT64."""
    values = [*_flat(told)]
    types = {type(value) for value in values if value is not None}
    datatype = _DATATYPES[types.pop()] if len(types) == 1 else "FP64"
    if datatype == "FP64":
        values = [math.nan if value is None else float(value) for value in values]
    return Tensor(name, datatype, _shape(told), values)


def _flat(told: Any) -> Iterator[Any]:
    if isinstance(told, list):
        for each in told:
            yield from _flat(each)
    else:
        yield told


def _shape(told: Any) -> list[int]:
    if not isinstance(told, list):
        return []
    return [len(told), *(_shape(told[0]) if told else [])]
