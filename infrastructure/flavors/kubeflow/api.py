"""A client of Kubeflow's API: runs and recurring runs."""

import contextlib
import io
import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.submitting_orchestrator import Submission
from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.http_requests import request
from stackfold.infrastructure.flavors.kubeflow.pipeline import RUN
from stackfold.infrastructure.flavors.kubeflow.settings import KubeflowSettings

SUCCEEDED = "SUCCEEDED"
_ENDED = frozenset({SUCCEEDED, "FAILED", "CANCELED", "SKIPPED"})
_CONNECT_TIMEOUT = 10
"""Seconds to wait for the first response, and for those of a login."""
_RESPONSE_TIMEOUT = 30
"""Seconds to wait for other responses; the client itself has no limit."""


class State(NamedTuple):
    """The state of a run in Kubeflow."""

    name: str
    """Kubeflow's name of the state, such as "RUNNING"."""
    reason: str
    """The error message of a failed run; often empty."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended."""
        return self.name in _ENDED


class ExistingRecurringRun(NamedTuple):
    """A recurring run in Kubeflow."""

    id: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    enabled: bool


class KubeflowApi:
    """Kubeflow's API, through `kfp.Client`."""

    def __init__(self, settings: KubeflowSettings, secret: Callable[[str], str]) -> None:
        """Connect.

        Args:
            settings: The address and the credentials.
            secret: Returns the value of a reference to a secret.

        Raises:
            EngineUnavailable: Kubeflow does not respond, or denies access.
        """
        self._settings = settings
        if settings.kubeflow_hostname:
            _require_response(settings)
        arguments = {
            name: secret(value) if name in _SECRETS and isinstance(value, str) else value
            for name, value in settings.client_args.items()
        }
        if settings.client_username and settings.client_password:
            user, password = secret(settings.client_username), secret(settings.client_password)
            arguments["cookies"] = self._session(user, password)
        with self._one_line_errors(), warnings.catch_warnings():
            # It always warns of Kubeflow 1.
            warnings.simplefilter("ignore")
            self._client = _client(
                **{
                    "host": settings.kubeflow_hostname,
                    "namespace": settings.kubeflow_namespace,
                    "kube_context": settings.kubernetes_context,
                    **arguments,
                }
            )

    def submit(self, document: str, run: str, name: str, experiment: str) -> Submission:
        """Submit a pipeline.

        Args:
            document: The pipeline as YAML.
            run: The id of the run that its steps belong to.
            name: The name of the run in Kubeflow.
            experiment: The experiment in Kubeflow that lists the run.
        """
        with self._one_line_errors(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pipeline.yaml")
            path.write_text(document, encoding="utf-8")
            submitted = self._client.create_run_from_pipeline_package(
                str(path),
                arguments={RUN: run},
                run_name=name,
                experiment_name=experiment,
                namespace=self._settings.user_namespace,
                enable_caching=False,
            )
        host = self._settings.kubeflow_hostname
        url = f"{host}/#/runs/details/{submitted.run_id}" if host else ""
        return Submission(submitted.run_id, url)

    def check(self) -> None:
        """Request one experiment, which needs the permissions of reading a run."""
        with self._one_line_errors():
            self._client.list_experiments(page_size=1, namespace=self._settings.user_namespace)

    def state(self, reference: str) -> State:
        """Return the state of a run."""
        with self._one_line_errors():
            run = self._client.get_run(reference)
        error = getattr(run, "error", None)
        reason = getattr(error, "message", "") or ""
        return State(str(run.state or "PENDING"), " ".join(reason.split()))

    def terminate(self, reference: str) -> None:
        """Terminate a run."""
        with self._one_line_errors():
            self._client.terminate_run(reference)

    def create_recurring_run(
        self,
        document: str,
        *,
        name: str,
        description: str,
        experiment: str,
        cron: str,
        max_concurrency: int,
        parameters: Mapping[str, Any],
    ) -> None:
        """Create a recurring run, which makes up for no times that Kubeflow missed.

        Args:
            document: The pipeline as YAML.
            name: Its name in Kubeflow.
            description: Its description in Kubeflow.
            experiment: The experiment in Kubeflow that lists its runs.
            cron: Six fields, of which the first is seconds; in UTC.
            max_concurrency: The most of its runs at the same time.
            parameters: Those of the pipeline.
        """
        with self._one_line_errors(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pipeline.yaml")
            path.write_text(document, encoding="utf-8")
            namespace = self._settings.user_namespace
            found = self._client.create_experiment(experiment, namespace=namespace)
            self._client.create_recurring_run(
                found.experiment_id,
                name,
                description,
                cron_expression=cron,
                max_concurrency=max_concurrency,
                no_catchup=True,
                params=dict(parameters),
                pipeline_package_path=str(path),
                enable_caching=False,
            )

    def recurring_runs(self) -> list[ExistingRecurringRun]:
        """Return all recurring runs."""
        found: list[ExistingRecurringRun] = []
        token = ""
        with self._one_line_errors():
            while True:
                page = self._client.list_recurring_runs(
                    page_token=token, page_size=100, namespace=self._settings.user_namespace
                )
                for each in page.recurring_runs or ():
                    parameters = getattr(each.runtime_config, "parameters", None) or {}
                    found.append(
                        ExistingRecurringRun(
                            each.recurring_run_id,
                            each.display_name,
                            each.description or "",
                            parameters,
                            each.status != "DISABLED",
                        )
                    )
                token = page.next_page_token or ""
                if not token:
                    return found

    def delete_recurring_run(self, reference: str) -> None:
        """Delete a recurring run."""
        with self._one_line_errors():
            self._client.delete_recurring_run(reference)

    def _session(self, user: str, password: str) -> str:
        """Log in with the form of Dex, Kubeflow's usual login, and return the session's cookie."""
        import requests

        try:
            with requests.Session() as session:
                address = (self._settings.kubeflow_hostname or "").removesuffix("/pipeline")
                form = session.get(address, timeout=_CONNECT_TIMEOUT)
                data = {"login": user, "password": password}
                session.post(form.url, data=data, timeout=_CONNECT_TIMEOUT)
                cookies = session.cookies.get_dict()
        except requests.RequestException as error:
            # The text of the error may hold the address, but not the form.
            problem = f"logging in failed: {type(error).__name__}"
            raise EngineUnavailable(self._settings.title, problem) from None
        for name, value in cookies.items():
            if name.startswith(("authservice_session", "oauth2_proxy")):
                return f"{name}={value}"
        problem = "logging in failed: it gave no session for client_username and client_password"
        raise EngineUnavailable(self._settings.title, problem)

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            # The client prints links for notebooks.
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except Exception as error:  # of kfp, urllib3 or Kubernetes, which share no base class
            raise EngineUnavailable(self._settings.title, _problem(error)) from error


_SECRETS = frozenset({"cookies", "existing_token", "other_client_secret"})


def _client(**arguments: Any) -> Any:
    """Create a `kfp.Client` with `_RESPONSE_TIMEOUT`, for which it has no setting."""
    import kfp

    class Client(kfp.Client):  # type: ignore[misc]
        def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
            # Once: kfp would try five times, each with a traceback and without the reason.
            return self._healthz_api.healthz_service_get_healthz(_request_timeout=_RESPONSE_TIMEOUT)

    client = Client(**arguments)
    transport = client._run_api.api_client.rest_client  # shared by all parts of the client
    send = transport.request

    def send_with_timeout(*args: Any, **kwargs: Any) -> Any:
        return send(*args, **{**kwargs, "_request_timeout": _RESPONSE_TIMEOUT})

    transport.request = send_with_timeout
    return client


def _require_response(settings: KubeflowSettings) -> None:
    """Check that Kubeflow responds: the client would try for minutes, printing tracebacks."""
    url = f"{settings.kubeflow_hostname}/apis/v2beta1/healthz"
    try:
        request("GET", url, timeout=_CONNECT_TIMEOUT)  # with any status
    except (OSError, ValueError) as error:
        problem = f"it does not answer: {getattr(error, 'strerror', None) or error}"
        raise EngineUnavailable(settings.title, problem) from None


def _problem(error: Exception) -> str:
    """The message of an error, in one line."""
    body = getattr(error, "body", None)
    if body:
        with contextlib.suppress(ValueError, AttributeError):
            body = json.loads(body)
            body = body.get("message") or body.get("error") or body
        return " ".join(f"{getattr(error, 'status', '')} {body}".split())
    reason = getattr(error, "reason", None)
    text = str(reason or error).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    return f"{getattr(error, 'status', None) or ''} {line}".strip()
