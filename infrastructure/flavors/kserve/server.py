"""KServe's Python server: `python -m stackfold.serve kserve`."""

import asyncio
import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from stackfold.infrastructure.flavors.model_serving import server_log
from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor,
    InvalidInput,
)
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel
from stackfold.infrastructure.flavors.model_serving.server_program import parse_options, requires


def main(arguments: Sequence[str]) -> None:
    """Serve until the process is terminated.

    Args:
        arguments: The options of `stackfold.serve`.
    """
    options = parse_options(arguments)
    server_log.limit_size()
    with requires("kserve"):
        import kserve
    model = ServedModel.read(options)
    _listen_on(options.host)
    _log_no_requests()
    server = kserve.ModelServer(
        http_port=int(options.port), enable_grpc=False, workers=1, enable_latency_logging=False
    )
    _log_no_requests()
    server.start([_model(kserve, options.name, model)])


def _log_no_requests() -> None:
    for name in ("kserve.trace", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "ORJSONResponse is deprecated")


def _listen_on(host: str) -> None:
    """Set the address to listen on: KServe has no option for it and uses 0.0.0.0."""
    from kserve import model_server

    class Server(model_server.RESTServer):  # type: ignore[misc]  # it has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.config.host = host

    model_server.RESTServer = Server


def _model(kserve: Any, name: str, model: ServedModel) -> Any:
    """Wrap a model in KServe's class."""
    # One thread: models need not be thread-safe, and the server must respond meanwhile.
    thread = ThreadPoolExecutor(max_workers=1)

    class StackfoldModel(kserve.Model):  # type: ignore[misc]  # it has no types
        def __init__(self) -> None:
            super().__init__(name)
            self.ready = True

        def load(self) -> bool:
            return self.ready

        async def predict(self, payload: Any, *_: Any, **__: Any) -> Any:
            if not isinstance(payload, kserve.InferRequest):
                raise kserve.errors.InvalidInput("ask by the protocol's version 2, at /v2")
            inputs = [_tensor(each) for each in payload.inputs]
            loop = asyncio.get_running_loop()
            try:
                outputs = await loop.run_in_executor(thread, model.predict, inputs)
            except InvalidInput as error:
                raise kserve.errors.InvalidInput(str(error)) from None
            return kserve.InferResponse(
                response_id=payload.id or str(uuid4()),
                model_name=name,
                infer_outputs=[_output(kserve, each) for each in outputs],
            )

    return StackfoldModel()


def _tensor(received: Any) -> InferenceTensor:
    data = received.data
    if data is None:  # sent as bytes, after the JSON
        data = received.as_numpy().ravel().tolist()
    return InferenceTensor(received.name, received.datatype, received.shape, data)


def _output(kserve: Any, output: InferenceTensor) -> Any:
    return kserve.InferOutput(
        name=output.name, shape=[*output.shape], datatype=output.datatype, data=[*output.data]
    )
