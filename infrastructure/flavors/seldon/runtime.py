"""MLServer's interface to a model; imported only where MLServer is installed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor,
    InvalidInput,
)
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel


class StackfoldRuntime(MLModel):  # type: ignore[misc]  # it has no types
    """Serves the model of this process."""

    served: ClassVar[ServedModel]
    """The model, set before MLServer creates an instance."""

    async def load(self) -> bool:
        """Prepare for requests; the model has already been read."""
        # One thread: models need not be thread-safe, and the server must respond meanwhile.
        self._thread = ThreadPoolExecutor(max_workers=1)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict from the inputs of a request."""
        inputs = [
            InferenceTensor(each.name, each.datatype, each.shape, each.data.root)
            for each in payload.inputs
        ]
        loop = asyncio.get_running_loop()
        try:
            outputs = await loop.run_in_executor(self._thread, self.served.predict, inputs)
        except InvalidInput as error:
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
