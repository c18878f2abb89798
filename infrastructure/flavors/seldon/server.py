"""Serves a model by Seldon's server, MLServer: `python -m` this module.

One process: MLServer's pool of workers would read the model once more each.
"""

from stackfold.infrastructure.flavors.model_serving import served_model


def main() -> None:
    """Serve until the process is told to end."""
    given = served_model.options()
    with served_model.needing("mlserver"):
        import asyncio

        from mlserver import MLServer, ModelSettings, Settings

        from stackfold.infrastructure.flavors.seldon.runtime import StackfoldRuntime
    model = served_model.ServedModel.read(given)
    served_model.serving.append(model)
    settings = Settings(
        debug=False,
        host=given.host,
        http_port=int(given.port),
        grpc_port=int(given.grpc_port),
        metrics_endpoint="/metrics" if int(given.metrics_port) else None,
        metrics_port=int(given.metrics_port),
        parallel_workers=0,
    )

    async def serve() -> None:
        named = ModelSettings(name=given.name, implementation=StackfoldRuntime)
        await MLServer(settings).start([named])

    asyncio.run(serve())


if __name__ == "__main__":
    main()
