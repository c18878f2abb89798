"""A model for MLServer; imported only where that is installed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from stackfold.infrastructure.flavors.model_serving import served_model
from stackfold.infrastructure.flavors.model_serving.served_model import Named, Refused


class StackfoldRuntime(MLModel):  # type: ignore[misc]  # it has no types
    """The model that this process serves."""

    async def load(self) -> bool:
        """It has been read before the server started."""
        self._served = served_model.serving[0]
        # One thread: a model need not stand two at once, and the server must answer meanwhile.
        self._thread = ThreadPoolExecutor(max_workers=1)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Ask it."""
        inputs = [
            Named(each.name, each.datatype, each.shape, each.data.root) for each in payload.inputs
        ]
        try:
            outputs = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._served.predict, inputs
            )
        except Refused as error:
            raise MLServerError(str(error), 400) from error
        except Exception as error:
            raise MLServerError(f"{type(error).__name__}: {error}", 500) from error
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                ResponseOutput(name=name, datatype=datatype, shape=[*shape], data=[*data])
                for name, datatype, shape, data in outputs
            ],
        )
