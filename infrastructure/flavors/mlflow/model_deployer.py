"""The model deployer `mlflow`."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from stackfold.application.ports.model_deployer import Deployed, ModelToServe
from stackfold.application.ports.tensors import Tensor, nested
from stackfold.domain.errors import DeploymentUnavailable, NoManifest, PredictionRejected
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.inference_tensors import DEFAULT_OUTPUT
from stackfold.infrastructure.flavors.model_serving.process_deployer import ProcessModelDeployer
from stackfold.infrastructure.flavors.model_serving.server_requests import (
    NOT_A_MODEL_SERVER,
    null_for_nan,
)
from stackfold.infrastructure.flavors.model_serving.server_settings import ServerSettings

_DATATYPES = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}


class MlflowModelDeployer(ProcessModelDeployer):
    """Serves models with `mlflow models serve`."""

    flavor = "mlflow"

    class Configuration(ServerSettings):
        """How servers run on this machine."""

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def ready_path(self, name: str) -> str:
        return "/ping"

    def inference_path(self, name: str) -> str:
        return "/invocations"

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        url = self._url(deployed)
        content = _request(deployed.name, inputs)
        response = server_requests.post_json(
            deployed.name, url, content, self.configuration.timeout
        )
        try:
            predicted = response["predictions"]
            outputs = predicted if isinstance(predicted, dict) else {DEFAULT_OUTPUT: predicted}
            return [_tensor(name, values) for name, values in outputs.items()]
        except (TypeError, KeyError) as error:
            raise DeploymentUnavailable(deployed.name, NOT_A_MODEL_SERVER) from error

    def manifest(self, model: ModelToServe) -> str:
        problem = "it serves on this machine only: use the flavor kserve or seldon"
        raise NoManifest(f"the model deployer {self.flavor!r}", problem)


def _request(name: str, inputs: Sequence[Tensor]) -> dict[str, Any]:
    """Convert tensors to MLflow's JSON: one to an array, several to the columns of a data frame."""
    if not inputs:
        raise PredictionRejected(name, "there is no input")
    try:
        lists = [nested(each._replace(data=_json_values(each))) for each in inputs]
    except (TypeError, ValueError) as error:
        raise PredictionRejected(name, str(error)) from error
    if len(inputs) == 1:
        return {"inputs": lists[0]}
    if len({len(each.data) for each in inputs}) > 1:
        problem = "several inputs are the columns of a data frame: give all the same length"
        raise PredictionRejected(name, problem)
    rows = zip(*(_json_values(each) for each in inputs), strict=True)
    columns = [each.name for each in inputs]
    return {"dataframe_split": {"columns": columns, "data": [[*row] for row in rows]}}


def _json_values(tensor: Tensor) -> list[Any]:
    """The values of a tensor; floats stay floats, as `1` would be an integer in JSON."""
    if tensor.datatype.startswith("FP"):
        return [value if value is None else null_for_nan(float(value)) for value in tensor.data]
    return [*tensor.data]


def _tensor(name: str, content: Any) -> Tensor:
    """Convert nested lists to a tensor whose datatype is that of the JSON values."""
    values = [*_flat(content)]
    types = {type(value) for value in values if value is not None}
    datatype = _DATATYPES[types.pop()] if len(types) == 1 else "FP64"
    if datatype == "FP64":
        values = [math.nan if value is None else float(value) for value in values]
    return Tensor(name, datatype, _shape(content), values)


def _flat(content: Any) -> Iterator[Any]:
    if isinstance(content, list):
        for each in content:
            yield from _flat(each)
    else:
        yield content


def _shape(content: Any) -> list[int]:
    if not isinstance(content, list):
        return []
    return [len(content), *(_shape(content[0]) if content else [])]
