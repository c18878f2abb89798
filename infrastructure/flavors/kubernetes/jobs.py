"""Executes calls as Jobs of a cluster, for the orchestrator and the step operator."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, Self
from uuid import uuid4

from stackfold.application.ports import Result, StepExecutor
from stackfold.application.runs.step_call import StepCall
from stackfold.domain.errors import (
    EngineUnavailable,
    InvalidPipeline,
    StepKilled,
    StepLost,
    StepProcessDied,
    StepTimedOut,
)
from stackfold.domain.pipelines.resources import Resources
from stackfold.infrastructure.flavors.kubernetes import manifests
from stackfold.infrastructure.flavors.kubernetes.api import COORDINATOR, Manifest
from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster
from stackfold.infrastructure.flavors.kubernetes.log_protocol import (
    ANSWERED,
    BEGAN,
    DIED,
    LATE,
    UNFIT,
    Event,
    LogReader,
)
from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose
from stackfold.infrastructure.flavors.kubernetes.pod import CALL, SECRETS, call_file
from stackfold.infrastructure.flavors.kubernetes.pod_log import PodLog
from stackfold.infrastructure.flavors.kubernetes.pod_state import PodState, out_of_memory, state_of
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings
from stackfold.infrastructure.flavors.local.processes import outcome, portable
from stackfold.infrastructure.flavors.secret_env import Values, secrets_of
from stackfold.infrastructure.flavors.step_executors import InlineExecutor

LARGEST = 1_000_000
"""Bytes that a secret of Kubernetes can hold, about."""
_WAIT = 0.1
"""Seconds between two checks whether to stop waiting for a step."""
_NOTICE = 5.0
"""Seconds after which the output of a step says why its pod has not started."""
_END = 10.0
"""Seconds beside the grace period in which a deleted pod must end."""


class _PodLost(Exception):
    """The pod of a step was lost, but not because of the step."""


class Jobs:
    """Executes calls as Jobs."""

    def __init__(self, settings: KubernetesSettings, image: str, call_run: str = "") -> None:
        """Connect to the cluster.

        Args:
            settings: The cluster, and the settings of pods.
            image: The image of the pods.
            call_run: The run that calls belong to which do not tell theirs.

        Raises:
            EngineUnavailable: There is no usable kubeconfig file, or no service account.
        """
        self.cluster = Cluster(settings)
        self._settings = settings
        self._image = image
        self._call_run = call_run or uuid4().hex
        self._owner = self._own_job()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.close()

    @property
    def stop_timeout(self) -> float:
        """Seconds in which a deleted pod must have ended."""
        return self._settings.pod_settings.termination_grace_period + _END

    def executor(self, thread: InlineExecutor) -> StepExecutor:
        """Return an executor in pods; `thread` waits for the results."""
        return _PodExecutor(self, thread)

    def delete_steps(self, run: str) -> None:
        """Delete the Jobs of the steps of a run that an ended process has left.

        Args:
            run: The run's id.
        """
        self.cluster.delete_all(manifests.selector(Purpose("step", run)), self.stop_timeout)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call in a pod, and print its output here.

        Args:
            call: The call.
            timeout: Seconds from its start until it times out; None for no limit.

        Raises:
            InvalidPipeline: The call cannot be sent.
            EngineUnavailable: The cluster cannot be used, or its pod does not start.
            StepLost: Its pod was lost, more often than `pod_retries`.
            StepKilled: Its pod used too much memory, or ended for another reason.
            StepProcessDied: Its process ended without a result.
            StepTimedOut: It timed out.
            BaseException: The error that the call raised.
        """
        request = portable(call)
        files = {CALL: call_file(request, timeout)}
        secrets = secrets_of(call) if self._settings.send_secrets else {}
        if secrets:
            files[SECRETS] = secrets_file(secrets)
        size = sum(map(len, files.values()))
        if size > LARGEST:
            raise InvalidPipeline(
                f"the step has {size} bytes, compressed, and Kubernetes takes {LARGEST}: give "
                "large values as artifacts, and import functions from modules"
            )
        purpose = self._purpose(call)
        lost = 0
        while True:
            try:
                attempt = _Attempt(self.cluster, self._settings, purpose, timeout)
                manifest = self._manifest(attempt.name, purpose, call)
                result: Result = attempt.execute(manifest, files)
                return result
            except _PodLost as error:
                lost += 1
                if lost > self._settings.pod_retries:
                    raise StepLost(self._settings.title, lost, str(error)) from None
                sys.stderr.write(f"-- its pod was lost, the step begins again: {error}\n")

    def _purpose(self, call: Callable[[], object]) -> Purpose:
        if isinstance(call, StepCall):
            return Purpose("step", call.run.id, call.run.pipeline, call.node)
        return Purpose("step", self._call_run)

    def _manifest(self, name: str, purpose: Purpose, call: Callable[[], object]) -> Manifest:
        requested = call.step.options.resources if isinstance(call, StepCall) else None
        return step_job(
            name, purpose, self._settings, self._image, requested or Resources(), self._owner
        )

    def _own_job(self) -> Manifest | None:
        """The reference to the Job of this pod, if it coordinates a run."""
        name = os.environ.get(COORDINATOR)
        found = self.cluster.job(name) if name else None
        return manifests.owner_reference(str(name), found["metadata"]["uid"]) if found else None


class _Attempt:
    """One Job of a call."""

    def __init__(
        self,
        cluster: Cluster,
        settings: KubernetesSettings,
        purpose: Purpose,
        timeout: float | None,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._purpose = purpose
        self._timeout = timeout
        self.name = purpose.job_name(uuid4().hex)
        self._selector = f"job-name={self.name}"
        self._reader = LogReader()
        self._log: PodLog | None = None
        self._pod: PodState | None = None
        self._spec: Manifest = {}
        self._noticed = ""
        self._deleted = 0.0

    def execute(self, manifest: Manifest, files: dict[str, bytes]) -> Any:
        is_done = False
        try:
            # The Job first: its secret is deleted with it, even if this process ends here.
            uid = self._cluster.create_job(manifest)
            owner = manifests.owner_reference(self.name, uid)
            self._cluster.create_secret(
                manifests.secret(self.name, self._purpose, self._settings.namespace, files, owner)
            )
            answer = self._answer()
            is_done = True
            self._cluster.delete_secret(self.name)
        except BaseException:
            if not is_done:
                self._delete()
            raise
        finally:
            if self._log:
                self._log.close()
        return self._outcome(answer)

    def _answer(self) -> Event:
        """Wait until the call has ended; return how."""
        created = time.monotonic()
        due = created
        while True:
            event = self._read_log()
            if event is not None:
                return event
            now = time.monotonic()
            if now < due:
                continue
            due = now + self._settings.poll_interval
            self._look(now - created)

    def _read_log(self) -> Event | None:
        """Print what the pod printed; return the event that ends the call, if it came."""
        if self._log is None:
            time.sleep(min(_WAIT, self._settings.poll_interval))
            return None
        data = self._log.next(_WAIT)
        if data is None:
            self._raise_without_answer()
        for event in self._reader.read(data):
            if event.kind in ("stdout", "stderr"):
                getattr(sys, event.kind).write(event.value)
            elif event.kind != BEGAN:
                return event
        return None

    def _look(self, waited: float) -> None:
        """Look at the pod: follow its log once it has started."""
        pods = self._cluster.pods(self._selector)
        mine = next((pod for pod in pods if not self._pod or _uid(pod) == self._pod.uid), None)
        if mine is None:
            self._without_pod(waited)
            return
        self._spec = mine
        self._pod = state = state_of(mine)
        if state.lost and self._log is None:
            raise _PodLost(state.lost)
        if state.has_started and self._log is None:
            self._log = PodLog(self._cluster, state.name)
        if state.has_ended and self._log is not None:
            self._log.note_end()
        if not state.has_started:
            self._wait_for_start(state, waited)
        elif state.is_deleted and not state.has_ended:
            # Its node has to say that it ended, and may be gone.
            self._deleted = self._deleted or waited
            if waited - self._deleted > self._settings.patience:
                raise _PodLost(f"pod {state.name} was deleted, and its node does not respond")

    def _without_pod(self, waited: float) -> None:
        if self._pod is not None:
            if self._log is None:
                raise _PodLost(f"pod {self._pod.name} was deleted")
            self._log.note_end()  # what it has written may still be on its way
            return
        if self._cluster.job(self.name) is None:
            raise StepKilled(self._settings.title, f"its Job {self.name} was deleted")
        if waited > self._settings.patience:
            reasons = self._cluster.warnings("Job", self.name)
            reason = reasons[-1] if reasons else "no reason was given"
            raise EngineUnavailable(
                self._settings.title, f"Job {self.name} got no pod in {_seconds(waited)}: {reason}"
            )

    def _wait_for_start(self, state: PodState, waited: float) -> None:
        if state.waits and state.waits != self._noticed and waited > _NOTICE:
            self._noticed = state.waits
            sys.stderr.write(f"-- pod {state.name} has not started: {state.waits}\n")
        if state.is_hopeless or waited > self._settings.patience:
            reasons = [] if state.waits else self._cluster.warnings("Pod", state.name)
            reason = state.waits or (reasons[-1] if reasons else "no reason was given")
            problem = f"pod {state.name} did not start in {_seconds(waited)}: {reason}"
            raise EngineUnavailable(self._settings.title, problem)

    def _raise_without_answer(self) -> NoReturn:
        """Raise why the log of the pod has ended without an answer."""
        sys.stdout.write(self._reader.rest())
        pods = self._cluster.pods(self._selector)
        mine = next((pod for pod in pods if self._pod and _uid(pod) == self._pod.uid), None)
        name = self._pod.name if self._pod else self.name
        if mine is None:
            raise _PodLost(f"pod {name} was deleted")
        state = state_of(mine)
        if state.lost:
            raise _PodLost(state.lost)
        if state.killed:
            raise StepKilled(self._settings.title, state.killed)
        if state.is_deleted:
            raise _PodLost(f"pod {name} was deleted")
        how = f"exit code {state.exit_code}" if state.exit_code is not None else "no exit code"
        why = state.message or self._cluster.last_line(name) or (self._log and self._log.error)
        problem = f"pod {name} ended with {how} and no result" + (f": {why}" if why else "")
        raise StepKilled(self._settings.title, problem)

    def _outcome(self, event: Event) -> Any:
        if event.kind == ANSWERED:
            return outcome(event.value)
        if event.kind == LATE:
            late = StepTimedOut(self._timeout or 0.0)
            if event.value:
                late.add_note(str(event.value))
            raise late
        if event.kind == DIED:
            returncode, was_out_of_memory = event.value
            if was_out_of_memory:
                raise StepKilled(self._settings.title, out_of_memory(self._spec))
            raise StepProcessDied(int(returncode))
        if event.kind == UNFIT:
            raise EngineUnavailable(self._settings.title, str(event.value))
        raise EngineUnavailable(self._settings.title, f"its pod answers with {event.kind!r}")

    def _delete(self) -> None:
        """Delete the Job, and print what its pod still prints until it has ended."""
        try:
            self._cluster.delete_job(self.name)
            grace = self._settings.pod_settings.termination_grace_period
            end = time.monotonic() + grace + _END
            while time.monotonic() < end and self._cluster.pods(self._selector):
                self._print_rest()
            self._print_rest()
        except EngineUnavailable as error:
            sys.stderr.write(f"-- Job {self.name} could not be deleted: {error}\n")

    def _print_rest(self) -> None:
        data = self._log.next(_WAIT) if self._log else b""
        if not data:
            time.sleep(0 if self._log else _WAIT)
            return
        for event in self._reader.read(data):
            if event.kind in ("stdout", "stderr"):
                getattr(sys, event.kind).write(event.value)


class _PodExecutor:
    def __init__(self, jobs: Jobs, thread: InlineExecutor) -> None:
        self._jobs = jobs
        self._thread = thread

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        return self._thread.run_inline(lambda: self._jobs.execute(call, timeout))

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return self._thread.run_inline(call)


def step_job(
    name: str,
    purpose: Purpose,
    settings: KubernetesSettings,
    image: str,
    resources: Resources,
    owner: Manifest | None = None,
) -> Manifest:
    """Return the manifest of the Job of a step."""
    return manifests.job(
        name,
        purpose,
        settings,
        settings.pod_settings,
        ["execute"],
        image=image,
        resources=resources,
        environment={},
        service_account=settings.service_account_name,
        with_token=settings.service_account_name is not None,
        owner=owner,
    )


def secrets_file(secrets: Values) -> bytes:
    """Return the file of secrets that pods read."""
    return json.dumps([[name, key, value] for (name, key), value in secrets.items()]).encode()


def _uid(pod: Manifest) -> str:
    return str(pod["metadata"]["uid"])


def _seconds(waited: float) -> str:
    return f"{waited:.0f} seconds"
