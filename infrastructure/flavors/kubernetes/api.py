"""Requests to the API server of Kubernetes, with errors of one line.

The client library finds the server and the credentials. The requests are our own: its classes lack
fields of other versions of Kubernetes, and how it treats timeouts and errors differs by version.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from stackfold.domain.errors import EngineUnavailable

COORDINATOR = "STACKFOLD_COORDINATOR"
"""The environment variable with the name of the Job of a coordinator, in its pod."""
_CONNECT_TIMEOUT, _READ_TIMEOUT = 10, 30
"""Seconds."""
_STREAM_TIMEOUT = 60
"""Seconds between two parts of a log."""
_LARGEST = 2**27
"""Bytes of a response that are read."""
_TEMPORARY = frozenset({429, 500, 502, 503, 504})
_POOL = 64
"""Connections that are kept open."""

Manifest = dict[str, Any]
_JSON, _APPLY = "application/json", "application/apply-patch+yaml"
"""Types of the content of requests; JSON is YAML."""


class Connection(Protocol):
    """How to reach an API server; see `settings.KubernetesSettings`."""

    @property
    def kubeconfig(self) -> str | None: ...
    @property
    def kubernetes_context(self) -> str | None: ...
    @property
    def in_cluster(self) -> bool: ...
    @property
    def title(self) -> str: ...
    @property
    def poll_interval(self) -> float: ...
    @property
    def max_outage(self) -> float: ...


class Rejected(Exception):
    """The API server answered with an error; raised by `Api.once` only.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"{status} {message}")


class Api:
    """The API server of a cluster."""

    def __init__(self, settings: Connection) -> None:
        """Find the server and the credentials; nothing is requested yet.

        Args:
            settings: The cluster.

        Raises:
            EngineUnavailable: There is no usable kubeconfig file, or no service account.
        """
        self._settings = settings
        try:
            self._configuration = _configuration(settings)
            self._pool = _pool(self._configuration)
        except Exception as error:  # of the library or of a plug-in, which share no base class
            raise self.unavailable(error) from error

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Manifest | None:
        """Send a request, again while the server is unavailable; None if there is no such object.

        Args:
            method: The HTTP method.
            path: The path of the object.
            body: The JSON to send.
            query: The parameters of the query.

        Raises:
            EngineUnavailable: The server is unavailable for too long, or rejects the request.
        """
        end = time.monotonic() + self._settings.max_outage
        while True:
            try:
                return self.once(method, path, body, query)
            except Rejected as error:
                if error.status == 404:
                    return None
                if error.status not in _TEMPORARY or time.monotonic() > end:
                    raise self.unavailable(error) from error
            except Exception as error:  # of urllib3 or of a plug-in
                if time.monotonic() > end:
                    raise self.unavailable(error) from error
            time.sleep(min(1.0, self._settings.poll_interval))

    def once(
        self,
        method: str,
        path: str,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        *,
        content_type: str = _JSON,
        timeout: float = _READ_TIMEOUT,
    ) -> Manifest:
        """Send a request once.

        Raises:
            Rejected: The server answered with an error.
            Exception: It did not answer.
        """
        response = self._send(method, path, body, query, timeout, content_type)
        try:
            data = response.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise ValueError(f"its response has more than {_LARGEST} bytes")
        finally:
            response.release_conn()
        if response.status not in range(200, 300):
            raise Rejected(response.status, _message(data))
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError("its response is not that of Kubernetes")
        return found

    def apply(self, path: str, manifest: Manifest, manager: str) -> Manifest:
        """Create or change an object by server-side apply; raises as `once`.

        Fields that another manager has changed are not overwritten: the server answers with 409.

        Args:
            path: The path of the object.
            manifest: The fields that the manager wants.
            manager: The name of the manager of these fields.
        """
        return self.once("PATCH", path, manifest, {"fieldManager": manager}, content_type=_APPLY)

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Open the response of a request as a stream of bytes, for a block.

        Raises:
            Rejected: The server answered with an error.
            Exception: It did not answer.
        """
        response = self._send("GET", path, None, query, _STREAM_TIMEOUT)
        try:
            if response.status not in range(200, 300):
                raise Rejected(response.status, _message(response.read(10_000)))
            yield response
        finally:
            response.close()

    def unavailable(self, error: Exception) -> EngineUnavailable:
        """Return the error to raise for one of a request."""
        text = " ".join(str(getattr(error, "reason", None) or error).split())
        # urllib3 repeats the object that failed: "<...Connection object at 0x...>: Failed ...".
        text = text.rpartition(">: ")[2] or type(error).__name__
        return EngineUnavailable(self._settings.title, text[:500])

    def _send(
        self,
        method: str,
        path: str,
        body: Manifest | None,
        query: Mapping[str, str] | None,
        read_timeout: float,
        content_type: str = _JSON,
    ) -> Any:
        from urllib3 import Timeout

        headers = {"Accept": "application/json, */*", "User-Agent": "stackfold"}
        for each in self._configuration.auth_settings().values():  # renews tokens
            if each["in"] == "header" and each["value"]:
                headers[each["key"]] = each["value"]
        if body is not None:
            headers["Content-Type"] = content_type
        return self._pool.request(
            method,
            f"{self._configuration.host}{path}" + (f"?{urlencode(query)}" if query else ""),
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=Timeout(connect=min(_CONNECT_TIMEOUT, read_timeout), read=read_timeout),
            # Neither repeated, which `request` does, nor redirected: the credentials are for one
            # server.
            retries=False,
            redirect=False,
            preload_content=False,
        )


def _configuration(settings: Connection) -> Any:
    import kubernetes

    client: Any = kubernetes.client
    config: Any = kubernetes.config
    configuration = client.Configuration()
    if settings.in_cluster or os.environ.get(COORDINATOR):
        config.load_incluster_config(client_configuration=configuration)
    else:
        config.load_kube_config(
            config_file=settings.kubeconfig,
            context=settings.kubernetes_context,
            client_configuration=configuration,
            persist_config=False,
        )
    configuration.connection_pool_maxsize = _POOL
    return configuration


def current_context(settings: Connection) -> str | None:
    """The name of the context that is used; None in a pod of the cluster.

    Raises:
        Exception: There is no usable kubeconfig file.
    """
    if settings.in_cluster or os.environ.get(COORDINATOR):
        return None
    if settings.kubernetes_context:
        return settings.kubernetes_context
    import kubernetes

    config: Any = kubernetes.config
    _, active = config.list_kube_config_contexts(config_file=settings.kubeconfig)
    return str(active["name"])


def _pool(configuration: Any) -> Any:
    import kubernetes

    return kubernetes.client.ApiClient(configuration).rest_client.pool_manager


def _message(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, AttributeError):
        text = str(json.loads(text).get("message") or text)
    return " ".join(text.split())[:500]
