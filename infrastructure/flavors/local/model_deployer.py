"""The model deployer `local`: a small server of its own on this machine."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from stackfold.application.ports.model_deployer import Deployed, ModelToServe
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import NoManifest
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.process_deployer import ProcessModelDeployer
from stackfold.infrastructure.flavors.model_serving.server_settings import ServerSettings


class LocalModelDeployer(ProcessModelDeployer):
    """Serves models with Stackfold's own server, which needs no further package."""

    flavor = "local"

    class Configuration(ServerSettings):
        """How servers run on this machine."""

        threads: int = Field(
            1,
            ge=1,
            le=256,
            description="The predictions that are computed at the same time; more than one only "
            "for models that are thread-safe.",
        )
        max_waiting: int = Field(
            64,
            ge=1,
            le=10_000,
            description="The requests that may be in progress; further ones are answered with 503.",
        )
        max_request_bytes: int = Field(
            16 * 2**20, ge=1, le=2**31, description="The largest body of a request, in bytes."
        )

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def ready_path(self, name: str) -> str:
        return "/health"

    def inference_path(self, name: str) -> str:
        return "/predict"

    def extra_options(self) -> Mapping[str, object]:
        settings = self.configuration
        return {
            "timeout": settings.timeout,
            "threads": settings.threads,
            "max-waiting": settings.max_waiting,
            "max-bytes": settings.max_request_bytes,
        }

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        url = self._url(deployed)
        return server_requests.infer(deployed.name, url, inputs, self.configuration.timeout)

    def manifest(self, model: ModelToServe) -> str:
        problem = "it serves on this machine only: use the flavor kserve or seldon"
        raise NoManifest(f"the model deployer {self.flavor!r}", problem)
