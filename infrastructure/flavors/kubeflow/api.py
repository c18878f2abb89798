"""Kubeflow's API: handing over a run, asking how it is, ending it."""

import contextlib
import io
import json
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.submitting_orchestrator import Submission
from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.kubeflow.pipeline import RUN
from stackfold.infrastructure.flavors.kubeflow.settings import KubeflowSettings

SUCCEEDED = "SUCCEEDED"
_ENDED = frozenset({SUCCEEDED, "FAILED", "CANCELED", "SKIPPED"})
_PATIENCE = 10
"""Seconds to wait for the first sign of life."""
_ANSWER = 30
"""Seconds to wait for an answer; the client itself would wait for ever."""


class State(NamedTuple):
    """How a run is, according to Kubeflow."""

    name: str
    """In Kubeflow's words, such as "RUNNING"."""
    reason: str
    """What it says of a failure; often nothing."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is executed any more."""
        return self.name in _ENDED


class KubeflowApi:
    """The API, as `kfp.Client` speaks to it."""

    def __init__(self, settings: KubeflowSettings, secret: Callable[[str], str]) -> None:
        """Connect.

        Args:
            settings: Where it is, and who asks.
            secret: From a reference to the secret value.

        Raises:
            EngineUnavailable: It cannot be reached, or does not let us in.
        """
        self._settings = settings
        if settings.kubeflow_hostname:
            _must_answer(settings)
        arguments = {
            name: secret(value) if name in _SECRETS and isinstance(value, str) else value
            for name, value in settings.client_args.items()
        }
        if settings.client_username and settings.client_password:
            user, password = secret(settings.client_username), secret(settings.client_password)
            arguments["cookies"] = self._session(user, password)
        with self._in_plain_words(), warnings.catch_warnings():
            # It warns of Kubeflow 1 whenever it is used.
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
        """Hand over a pipeline.

        Args:
            document: The pipeline.
            run: The id of the run that its steps belong to.
            name: What it is called there.
            experiment: Among what it is shown there.
        """
        with self._in_plain_words(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pipeline.yaml")
            path.write_text(document, encoding="utf-8")
            taken = self._client.create_run_from_pipeline_package(
                str(path),
                arguments={RUN: run},
                run_name=name,
                experiment_name=experiment,
                namespace=self._settings.user_namespace,
                enable_caching=False,
            )
        host = self._settings.kubeflow_hostname
        return Submission(taken.run_id, f"{host}/#/runs/details/{taken.run_id}" if host else "")

    def check(self) -> None:
        """Ask for one experiment, which needs the rights that a run needs to be shown."""
        with self._in_plain_words():
            self._client.list_experiments(page_size=1, namespace=self._settings.user_namespace)

    def state(self, reference: str) -> State:
        """How a run is."""
        with self._in_plain_words():
            run = self._client.get_run(reference)
        error = getattr(run, "error", None)
        reason = getattr(error, "message", "") or ""
        return State(str(run.state or "PENDING"), " ".join(reason.split()))

    def terminate(self, reference: str) -> None:
        """End a run."""
        with self._in_plain_words():
            self._client.terminate_run(reference)

    def _session(self, user: str, password: str) -> str:
        """The cookie that one gets by logging in with the form of Dex, Kubeflow's usual guard."""
        import requests

        try:
            with requests.Session() as session:
                address = (self._settings.kubeflow_hostname or "").removesuffix("/pipeline")
                form = session.get(address, timeout=_PATIENCE)
                data = {"login": user, "password": password}
                session.post(form.url, data=data, timeout=_PATIENCE)
                cookies = session.cookies.get_dict()
        except requests.RequestException as error:
            # Its text may repeat the address, and never the form.
            problem = f"logging in failed: {type(error).__name__}"
            raise EngineUnavailable(self._settings.title, problem) from None
        for name, value in cookies.items():
            if name.startswith(("authservice_session", "oauth2_proxy")):
                return f"{name}={value}"
        problem = "logging in failed: it gave no session for client_username and client_password"
        raise EngineUnavailable(self._settings.title, problem)

    @contextlib.contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            # The client prints links for notebooks.
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except Exception as error:  # kfp's, urllib3's and Kubernetes' have no class in common
            raise EngineUnavailable(self._settings.title, _problem(error)) from error


_SECRETS = frozenset({"cookies", "existing_token", "other_client_secret"})


def _client(**arguments: Any) -> Any:
    """A `kfp.Client` that waits for no answer longer than `_ANSWER`; it has no setting for that."""
    import kfp

    class Client(kfp.Client):  # type: ignore[misc]
        def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
            # Once. It would be five times, with a traceback for each, and without the reason.
            return self._healthz_api.healthz_service_get_healthz(_request_timeout=_ANSWER)

    client = Client(**arguments)
    transport = client._run_api.api_client.rest_client  # all its parts share it
    request = transport.request

    def limited(*given: Any, **more: Any) -> Any:
        return request(*given, **{**more, "_request_timeout": _ANSWER})

    transport.request = limited
    return client


def _must_answer(settings: KubeflowSettings) -> None:
    # The client would try for minutes, and print a traceback each time.
    address = f"{settings.kubeflow_hostname}/apis/v2beta1/healthz"
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE):  # noqa: S310  # http or https
            pass
    except urllib.error.HTTPError:
        pass  # it answers; whether it lets us in is another question
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        problem = f"it does not answer: {getattr(reason, 'strerror', None) or reason}"
        raise EngineUnavailable(settings.title, problem) from None


def _problem(error: Exception) -> str:
    """What is wrong, in one line."""
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
