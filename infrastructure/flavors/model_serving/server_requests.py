"""Requests to model servers."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import DeploymentStopped, DeploymentUnavailable, PredictionRejected
from stackfold.infrastructure.flavors.http_requests import request

_MAX_MESSAGE = 500
"""Characters of a server's error message that are repeated."""
_MAX_RESPONSE = 2**30
"""Bytes of a prediction."""
_ECHOED_INPUT = re.compile(r"Failed to predict data .* Error: ", re.DOTALL)
"""MLflow repeats the input before the error message."""
_UNAVAILABLE = frozenset({404, 408, 429, 502, 503, 504})
NOT_A_MODEL_SERVER = "the server at its address is not a model server"


class ServerAddress(NamedTuple):
    """The host and port of a server."""

    host: str
    port: int

    @classmethod
    def parsed(cls, text: str) -> "ServerAddress":
        """The address that `str` writes as a text."""
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        """As in a URL: IPv6 addresses are in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_ready(address: ServerAddress, path: str, timeout: float) -> bool:
    """Return whether a server reports at `path` that it is ready.

    Raises:
        TimeoutError: It did not answer within `timeout` seconds.
    """
    try:
        return request("GET", f"http://{address}{path}", timeout=timeout).status == 200
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return False


def post_json(name: str, url: str, content: Any, timeout: float) -> Any:
    """Send JSON to a server and return the JSON of its response.

    Args:
        name: The deployment's name, for errors.
        url: The address of predictions.
        content: The content to send.
        timeout: Seconds to wait for the complete response.

    Raises:
        DeploymentStopped: Nothing responds at the address.
        DeploymentUnavailable: The server does not respond in time, or is not a model server.
        PredictionRejected: The server returns an error, or the content is not valid JSON.
    """
    try:
        body = json.dumps(content, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise PredictionRejected(name, f"JSON cannot carry it: {error}") from error
    try:
        response = request(
            "POST",
            url,
            headers={"Content-Type": "application/json"},
            content=body,
            timeout=timeout,
            max_bytes=_MAX_RESPONSE,
        )
    except TimeoutError as error:
        problem = f"it did not answer in {timeout:g} seconds: raise timeout, or look into its logs"
        raise DeploymentUnavailable(name, problem) from error
    except OSError as error:
        raise DeploymentStopped(name, f"nothing answers at {urlsplit(url).netloc}") from error
    except ValueError as error:
        raise DeploymentUnavailable(name, f"its prediction cannot be read: {error}") from error
    if response.status in _UNAVAILABLE:
        problem = f"it answers {response.status}: {_error_message(response.body)}"
        raise DeploymentUnavailable(name, problem)
    if response.status != 200:
        raise PredictionRejected(name, _error_message(response.body))
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise DeploymentUnavailable(name, NOT_A_MODEL_SERVER) from error


def _error_message(body: bytes) -> str:
    """The message of an error response, in one line."""
    text = body.decode(errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    if isinstance(content, dict):
        content = next(
            (content[key] for key in ("error", "message", "detail") if key in content), text
        )
    message = _ECHOED_INPUT.sub("", str(content))
    return " ".join(message.split())[:_MAX_MESSAGE] or "it gives no reason"


# -- the Open Inference Protocol, version 2


def ready_path(name: str) -> str:
    """The path at which a server reports whether a model is ready."""
    return f"/v2/models/{quote(name, safe='')}/ready"


def inference_path(name: str) -> str:
    """The path of a model's predictions."""
    return f"/v2/models/{quote(name, safe='')}/infer"


def infer(name: str, url: str, inputs: Sequence[Tensor], timeout: float) -> Sequence[Tensor]:
    """Request a prediction by the protocol; arguments and errors as `post_json`."""
    tensors = [
        {
            "name": each.name,
            "datatype": each.datatype,
            "shape": [*each.shape],
            "data": [null_for_nan(value) for value in each.data],
        }
        for each in inputs
    ]
    response = post_json(name, url, {"inputs": tensors}, timeout)
    try:
        return [_tensor(each) for each in response["outputs"]]
    except (TypeError, KeyError, AttributeError) as error:
        raise DeploymentUnavailable(name, NOT_A_MODEL_SERVER) from error


def null_for_nan(value: Any) -> Any:
    """Replace NaN by None, as JSON has no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _tensor(content: Mapping[str, Any]) -> Tensor:
    data = content["data"]
    if content["datatype"].startswith("FP"):
        data = [math.nan if value is None else value for value in data]
    return Tensor(content["name"], content["datatype"], [*content["shape"]], data)
