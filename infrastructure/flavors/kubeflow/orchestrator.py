"""The orchestrator `kubeflow`."""

import time
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stackfold.application.ports.submitting_orchestrator import (
    Job,
    Submission,
    SubmittingOrchestrator,
)
from stackfold.domain.errors import EngineStopped, EngineUnavailable, RunDetached, WouldNotRun
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.kubeflow.settings import KubeflowSettings
from stackfold.infrastructure.flavors.shared_log import log_problem, with_log

if TYPE_CHECKING:
    from stackfold.infrastructure.flavors.kubeflow.api import KubeflowApi, State

_MAX_OUTAGE = 60.0
"""Seconds for which the API may fail while a run is followed."""
_TERMINATION_TIMEOUT = 40.0
"""Seconds to wait until the pods of a terminated run have ended; Kubernetes allows them 30."""


class KubeflowOrchestrator(SubmittingOrchestrator):
    """Runs a pipeline on Kubeflow Pipelines, each step in its own pod."""

    flavor = "kubeflow"

    class Configuration(KubeflowSettings):
        """The API, the credentials, and the settings of pods."""

    configuration: Configuration

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines take part."""
        return not self.configuration.on_this_machine

    @property
    def needs(self) -> tuple[ComponentType, ...]:  # type: ignore[override]
        """The components that build and store the pods' image, unless one is configured."""
        if self.configuration.image or self.configuration.on_this_machine:
            return ()
        return (ComponentType.CONTAINER_REGISTRY, ComponentType.IMAGE_BUILDER)

    @property
    def takes_image(self) -> bool:
        """Whether the pods' image is built, and not configured."""
        return not self.configuration.image

    @property
    def awaited(self) -> bool:
        """Whether starting a run waits until it has ended."""
        return self.configuration.synchronous

    def submit(self, job: Job) -> Submission:
        problem = self._log_problem()
        if problem:
            raise EngineUnavailable(self._title, problem)
        return self._api.submit(self._compiled(job), job.run, job.name, job.pipeline)

    def follow(self, reference: str, poll: Callable[[], None]) -> None:
        end = time.monotonic() + self.configuration.timeout
        while True:
            state = self._state_despite_outage(reference)
            poll()
            if state.has_ended:
                break
            if time.monotonic() > end:
                seconds = self.configuration.timeout
                raise RunDetached(self._title, f"its timeout of {seconds} seconds is over")
            time.sleep(self.configuration.poll_interval)
        if state.name != "SUCCEEDED":
            raise EngineStopped(self._title, state.name, state.reason)

    def is_executing(self, reference: str) -> bool:
        return not self._api.state(reference).has_ended

    def terminate(self, reference: str) -> None:
        if self._api.state(reference).has_ended:
            return
        self._api.terminate(reference)
        # Until then its pods may still record how they ended.
        end = time.monotonic() + _TERMINATION_TIMEOUT
        while not self._api.state(reference).has_ended and time.monotonic() < end:
            time.sleep(min(1.0, self.configuration.poll_interval))

    def check_connection(self) -> None:
        """Check the API, and the shared log that the pods write to."""
        self._api.check()
        problem = self._log_problem()
        if problem:
            raise EngineUnavailable(self._title, problem)
        store = self._environment().get("STACKFOLD_STORE")
        if store:
            from stackfold.infrastructure.eventstore.open import check_store

            check_store(store)

    def document(self, job: Job) -> str:
        problem = self._log_problem()
        if problem:
            warnings.warn(WouldNotRun(problem), stacklevel=2)
        return self._compiled(job)

    def _compiled(self, job: Job) -> str:
        from stackfold.infrastructure.flavors.kubeflow.pipeline import document

        return document(job, self.configuration, self._environment())

    @property
    def _title(self) -> str:
        return self.configuration.title

    @cached_property
    def _api(self) -> "KubeflowApi":
        from stackfold.infrastructure.flavors.kubeflow.api import KubeflowApi

        return KubeflowApi(self.configuration, self.secret)

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the connection."""
        return {name: value for name, value in vars(self).items() if name != "_api"}

    def _state_despite_outage(self, reference: str) -> "State":
        end = time.monotonic() + _MAX_OUTAGE
        while True:
            try:
                return self._api.state(reference)
            except EngineUnavailable as error:
                if time.monotonic() > end:
                    raise RunDetached(self._title, error.problem) from error
            time.sleep(self.configuration.poll_interval)

    def _log_problem(self) -> str:
        """Why its pods could not write to the log; empty if they can."""
        return log_problem(self._environment(), self.home, self.configuration.on_this_machine)

    def _environment(self) -> dict[str, str]:
        """The environment variables of the pods, with the address of the log."""
        given = self.configuration
        return with_log(given.environment, self.home, given.on_this_machine)
