"""The configuration of the orchestrator `kubeflow`."""

from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.domain.stacks.secret_references import is_reference
from stackfold.infrastructure.flavors.pod_settings import KubernetesSecret, PodSettings
from stackfold.infrastructure.system.loopback import is_loopback

_SECRET_ARGUMENTS = frozenset({"cookies", "existing_token", "other_client_secret"})
"""Arguments of `kfp.Client` that are secrets."""


class KubeflowSettings(ports.Configuration):
    """The API, the credentials, and the settings of pods."""

    synchronous: bool = Field(
        True, description="Whether to wait until a run has ended; Ctrl-C then terminates it."
    )
    timeout: int = Field(
        1200, gt=0, description="Seconds to wait, at most; the run continues after that."
    )
    kubeflow_hostname: str | None = Field(
        None,
        description="The URL of the API, such as https://kubeflow.example.com/pipeline; by default "
        "the API is reached through Kubernetes.",
    )
    kubeflow_namespace: str = Field(
        "kubeflow", min_length=1, description="The namespace of Kubeflow."
    )
    kubernetes_context: str | None = Field(
        None,
        description="The context of the Kubernetes configuration to use without "
        "kubeflow_hostname; by default the current one.",
    )
    user_namespace: str | None = Field(
        None, description="The user's namespace, if Kubeflow has several users."
    )
    client_username: Secret | None = Field(
        None, description="The user name, as a reference {{secret.key}}."
    )
    client_password: Secret | None = Field(
        None, description="The password, as a reference {{secret.key}}."
    )
    client_args: dict[str, Any] = Field(
        default_factory=dict,
        description="Further arguments of kfp.Client. Tokens and cookies only as references.",
    )
    pod_settings: PodSettings = Field(
        default_factory=PodSettings, description="Settings of the pods of all steps."
    )
    image: str | None = Field(
        None,
        description="The image of the pods: the pipeline's code, the packages it imports, and "
        "stackfold[kubeflow]. By default the stack's image builder builds it.",
    )
    source: str | None = Field(
        None,
        description="The pipeline in the image, as FILE.py:NAME or MODULE:NAME; by default at "
        "the same path as here, or else below the image's working directory.",
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Environment variables of the pods; not for secrets, as the log holds them.",
    )
    secret_environment: dict[str, KubernetesSecret] = Field(
        default_factory=dict,
        description="Environment variables of the pods from Kubernetes secrets, as NAME:KEY: the "
        "secrets of the stack's components, and PGPASSWORD for a shared log.",
    )
    gpu_type: str = Field(
        "nvidia.com/gpu", min_length=1, description="The Kubernetes resource name of GPUs."
    )
    poll_interval: float = Field(
        5, gt=0, le=300, description="Seconds between two requests for the state of a run."
    )

    @field_validator("kubeflow_hostname")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        # The message must not repeat the URL, which may contain a password.
        parts = urlsplit(url or "https://host")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be http://HOST or https://HOST, perhaps with a path")
        if "@" in parts.netloc:
            raise ValueError("may hold no password: give client_username and client_password")
        return url and url.rstrip("/")

    @field_validator("client_args")
    @classmethod
    def _hold_no_secret(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        for name in _SECRET_ARGUMENTS & set(arguments):
            if not is_reference(str(arguments[name])):
                raise ValueError(
                    f"{name} is a secret and the log is forever: give {{{{name.key}}}}"
                )
        return arguments

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.client_username is None) != (self.client_password is None):
            raise ValueError("client_username and client_password belong together")
        if self.client_username and not self.kubeflow_hostname:
            raise ValueError("to log in by client_username, give kubeflow_hostname")
        return self

    @property
    def on_this_machine(self) -> bool:
        """Whether the API is on this machine, as in tests."""
        host = urlsplit(self.kubeflow_hostname or "").hostname or ""
        return is_loopback(host)

    @property
    def title(self) -> str:
        """Its name in messages."""
        where = self.kubeflow_hostname or f"in the namespace {self.kubeflow_namespace!r}"
        return f"Kubeflow at {where}" if self.kubeflow_hostname else f"Kubeflow {where}"
