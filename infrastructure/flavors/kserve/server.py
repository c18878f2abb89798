"""Serves a model by KServe's Python server: `python -m` this module."""

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from stackfold.infrastructure.flavors.model_serving import served_model
from stackfold.infrastructure.flavors.model_serving.served_model import Named, Refused, ServedModel


def main() -> None:
    """Serve until the process is told to end."""
    given = served_model.options()
    with served_model.needing("kserve"):
        import kserve
    model = ServedModel.read(given)
    _listen_on(given.host)
    _be_quiet()
    server = kserve.ModelServer(
        http_port=int(given.port), enable_grpc=False, workers=1, enable_latency_logging=False
    )
    _be_quiet()
    server.start([_model(kserve, given.name, model)])


def _be_quiet() -> None:
    """Write nothing for each request: the log is kept as long as the server runs."""
    for name in ("kserve.trace", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", "ORJSONResponse is deprecated")


def _listen_on(host: str) -> None:
    """Let KServe listen there: it says 0.0.0.0 to uvicorn, and has no option for another host."""
    from kserve import model_server

    class Server(model_server.RESTServer):  # type: ignore[misc]  # it has no types
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            self.config.host = host

    model_server.RESTServer = Server


def _model(kserve: Any, name: str, model: ServedModel) -> Any:
    """The model as KServe wants it."""
    # One thread: a model need not stand two at once, and the server must answer meanwhile.
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
            try:
                outputs = await asyncio.get_running_loop().run_in_executor(
                    thread, model.predict, inputs
                )
            except Refused as error:
                raise kserve.errors.InvalidInput(str(error)) from None
            return kserve.InferResponse(
                response_id=payload.id or str(uuid4()),
                model_name=name,
                infer_outputs=[_output(kserve, each) for each in outputs],
            )

    return StackfoldModel()


def _tensor(given: Any) -> Named:
    data = given.data
    if data is None:  # sent as bytes, after the JSON
        data = given.as_numpy().ravel().tolist()
    return Named(given.name, given.datatype, given.shape, data)


def _output(kserve: Any, output: Named) -> Any:
    return kserve.InferOutput(
        name=output.name, shape=[*output.shape], datatype=output.datatype, data=[*output.data]
    )


if __name__ == "__main__":
    main()
