"""Requests to model servers, and what their answers mean."""

import http.client
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import DeploymentStopped, DeploymentUnavailable, PredictionRejected

_LONGEST = 500
"""Characters of what a server says that are repeated."""
_ECHO = re.compile(r"Failed to predict data .* Error: ", re.DOTALL)
"""What MLflow says before the reason: all the data that it was given."""
_UNAVAILABLE = frozenset({404, 408, 429, 502, 503, 504})


class Address(NamedTuple):
    """Where a server is."""

    host: str
    port: int

    def __str__(self) -> str:
        """As a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def answers(address: Address, path: str, patience: float) -> bool:
    """Whether a server says at a path that it is ready; raises TimeoutError if it says nothing."""
    connection = http.client.HTTPConnection(*address, timeout=patience)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def ask(name: str, address: Address, path: str, content: Any, timeout: float) -> Any:
    """Send JSON to a server, and return the JSON that it answers.

    Args:
        name: The deployment's.
        address: The server's.
        path: Where predictions are asked for.
        content: What to send.
        timeout: Seconds to wait.

    Raises:
        DeploymentUnavailable: It does not answer, or not in time.
        PredictionRejected: It answers that it cannot, or the content is nothing that JSON can hold.
    """
    try:
        body = json.dumps(content, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise PredictionRejected(name, f"JSON cannot carry it: {error}") from error
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, told = answer.status, answer.read()
    except TimeoutError as error:
        problem = f"it did not answer in {timeout:g} seconds: raise timeout, or look into its logs"
        raise DeploymentUnavailable(name, problem) from error
    except (OSError, http.client.HTTPException) as error:
        raise DeploymentStopped(name, f"nothing answers at {address}") from error
    finally:
        connection.close()
    if status in _UNAVAILABLE:
        raise DeploymentUnavailable(name, f"it answers {status}: {_message(told)}")
    if status != 200:
        raise PredictionRejected(name, _message(told))
    try:
        return json.loads(told)
    except ValueError as error:
        raise DeploymentUnavailable(name, "what answers there is no model server") from error


def _message(told: bytes) -> str:
    """What a server says is wrong, in one line."""
    text = told.decode(errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    if isinstance(content, dict):
        content = next(
            (content[key] for key in ("error", "message", "detail") if key in content), text
        )
    reason = _ECHO.sub("", str(content))
    return " ".join(reason.split())[:_LONGEST] or "it does not say why"


# -- the Open Inference Protocol, version 2


def ready_path(name: str) -> str:
    """Where a server says whether a model is ready."""
    return f"/v2/models/{quote(name, safe='')}/ready"


def inference_path(name: str) -> str:
    """Where it predicts."""
    return f"/v2/models/{quote(name, safe='')}/infer"


def infer(
    name: str, address: Address, inputs: Sequence[Tensor], timeout: float
) -> Sequence[Tensor]:
    """Ask a server that speaks the protocol; arguments and errors as `ask`."""
    asked = [
        {
            "name": each.name,
            "datatype": each.datatype,
            "shape": [*each.shape],
            "data": [null_for_nan(value) for value in each.data],
        }
        for each in inputs
    ]
    answer = ask(name, address, inference_path(name), {"inputs": asked}, timeout)
    try:
        return [_tensor(each) for each in answer["outputs"]]
    except (TypeError, KeyError, AttributeError) as error:
        raise DeploymentUnavailable(name, "what answers there is no model server") from error


def null_for_nan(value: Any) -> Any:
    """What JSON can hold."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _tensor(told: Mapping[str, Any]) -> Tensor:
    data = told["data"]
    if told["datatype"].startswith("FP"):
        data = [math.nan if value is None else value for value in data]
    return Tensor(told["name"], told["datatype"], [*told["shape"]], data)
