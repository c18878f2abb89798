"""Seldon's server, MLServer: `python -m stackfold.serve seldon`.

It runs in one process: each worker of MLServer's pool would read the model again.
"""

from collections.abc import Sequence

from stackfold.infrastructure.flavors.model_serving import server_log
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel
from stackfold.infrastructure.flavors.model_serving.server_program import parse_options, requires


def main(arguments: Sequence[str]) -> None:
    """Serve until the process is terminated.

    Args:
        arguments: The options of `stackfold.serve`.
    """
    options = parse_options(arguments)
    server_log.limit_size()
    with requires("mlserver"):
        import asyncio

        from mlserver import MLServer, ModelSettings, Settings

        from stackfold.infrastructure.flavors.seldon.runtime import StackfoldRuntime
    StackfoldRuntime.served = ServedModel.read(options)
    settings = Settings(
        debug=False,
        host=options.host,
        http_port=int(options.port),
        grpc_port=int(options.grpc_port),
        metrics_endpoint="/metrics" if int(options.metrics_port) else None,
        metrics_port=int(options.metrics_port),
        parallel_workers=0,
    )

    async def serve() -> None:
        model = ModelSettings(name=options.name, implementation=StackfoldRuntime)
        await MLServer(settings).start([model])

    asyncio.run(serve())
