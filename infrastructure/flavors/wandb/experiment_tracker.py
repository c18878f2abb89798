"""The experiment tracker `wandb`."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    Ids,
    OnUnavailable,
    StepRecord,
    TrackedRun,
    TrackedStep,
)
from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.wandb.run import WandbRecord, native

_login_lock = threading.Lock()
_PUBLIC = "https://api.wandb.ai"
_MESSAGES = {
    "no such host": "there is no such host: correct base_url",
    "connection refused": "nothing answers: start it, or correct base_url",
    "certificate": "its certificate is not trusted",
    "401": "access is denied: correct the secret behind api_key",
    "invalid api key": "access is denied: correct the secret behind api_key",
    "api key": "there is no API key: give api_key, or set mode to offline",
    "403": "access is denied: this account may not write to the project",
    "permission denied": "access is denied: this account may not write to the project",
    "not found": "there is no such entity or project: correct entity and project",
    "timed out": "it did not answer in time",
    "timeout": "it did not answer in time",
}


class WandbExperimentTracker(ExperimentTracker):
    """Tracks runs with Weights & Biases: a run per step, grouped by the pipeline run."""

    flavor = "wandb"

    class Configuration(ports.Configuration):
        """The server, the credentials, and the names of runs."""

        mode: Literal["online", "offline"] = Field(
            "online",
            description="Whether runs are sent to the server, or stored in a folder for "
            "`wandb sync`.",
        )
        api_key: Secret | None = Field(
            None,
            description="The API key, as a reference {{secret.key}}. Without it, W&B uses "
            "WANDB_API_KEY or the key of `wandb login`.",
        )
        base_url: str | None = Field(
            None, description="The server: https://host; by default that of W&B."
        )
        entity: str | None = Field(
            None,
            min_length=1,
            description="The team or user that owns the runs; by default that of the account.",
        )
        project: str | None = Field(
            None,
            min_length=1,
            max_length=128,
            description="The project of the runs; by default each pipeline has one of its name. "
            "A missing project is created.",
        )
        tags: list[str] = Field([], description="Tags of every run.")
        folder: str = Field(
            ".",
            min_length=1,
            description="The folder that contains W&B's folder `wandb`: absolute, relative to "
            "Stackfold's home, or beginning with `~`.",
        )
        strict: bool = Field(
            False,
            description="Whether a step fails if the server is unavailable. Otherwise it is "
            "tracked offline, with one line on stderr.",
        )
        timeout: int = Field(
            30,
            ge=1,
            le=600,
            description="Seconds to wait for the server at the start of a step.",
        )
        finish_timeout: int = Field(
            300,
            ge=1,
            le=86400,
            description="Seconds to wait at the end of a step until everything is sent; the rest "
            "stays in the folder, for `wandb sync`.",
        )

        @field_validator("base_url")
        @classmethod
        def _is_a_server(cls, url: str | None) -> str | None:
            # The message must not repeat the URL, which may contain a password.
            parts = urlsplit(url or _PUBLIC)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("must be http://host:port or https://host:port")
            if "@" in parts.netloc:
                raise ValueError("may hold no password: give api_key")
            return url and url.rstrip("/")

        @field_validator("project")
        @classmethod
        def _can_name_a_project(cls, project: str | None) -> str | None:
            wrong = sorted(set(project or "") & set("/\\#?%:"))
            if wrong:
                raise ValueError(f"may not hold {' '.join(wrong)}")
            return project

        @field_validator("tags")
        @classmethod
        def _can_be_tags(cls, tags: list[str]) -> list[str]:
            if not all(0 < len(tag) <= 64 for tag in tags):
                raise ValueError("a tag must have 1 to 64 characters")
            return tags

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether steps fail if the server is unavailable."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can read the tracked runs."""
        return self.configuration.mode == "online"

    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        # W&B has no nested runs: those of the steps form a group.
        given = self.configuration
        ids = {"group": run.name, "project": given.project or run.pipeline, "mode": given.mode}
        return ids | ({"entity": given.entity} if given.entity else {})

    def end_run(self, ids: Ids, status: str) -> None:
        """Do nothing: a group has no state beyond its runs."""

    @contextmanager
    def track(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Iterator[StepRecord]:
        run = self._started_run(step, on_unavailable)
        code = 1
        try:
            with native(run, step.native):
                yield WandbRecord(run, self._ids(run, step))
            code = 0
        finally:
            with self._errors():
                run.finish(exit_code=code)

    def check_connection(self) -> None:
        """Check the server and the API key; nothing is checked offline."""
        if self.configuration.mode == "online":
            from stackfold.infrastructure.flavors.wandb.account import require_account

            key = self.configuration.api_key
            require_account(self._server, self.secret(key) if key else None)

    @property
    def _server(self) -> str:
        return self.configuration.base_url or _PUBLIC

    def _started_run(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Any:
        mode = self.configuration.mode
        try:
            with self._errors():
                return self._init(step, mode)
        except TrackerUnavailable as error:
            if self.configuration.strict or mode == "offline":
                raise
            on_unavailable(
                TrackerUnavailable(error.location, f"{error.problem}; it is tracked offline")
            )
            with self._errors():
                return self._init(step, "offline")

    def _init(self, step: TrackedStep, mode: Literal["online", "offline"]) -> Any:
        import wandb

        given, parent = self.configuration, step.ids or {}
        folder = os.path.join(self.home, os.path.expanduser(given.folder))
        Path(folder).mkdir(parents=True, exist_ok=True)
        with _logged_in() if mode == "online" and given.api_key else nullcontext():
            return wandb.init(
                # Independent of the runs of other threads, and of that of the process.
                reinit="create_new",
                mode=mode,
                dir=folder,
                entity=given.entity,
                project=parent.get("project"),
                group=parent.get("group"),
                job_type=step.name,
                name=f"{step.run.name}/{step.name}",
                tags=given.tags,
                config={**step.parameters, "stackfold": _facts(step)},
                settings=self._settings(),
            )

    def _settings(self) -> Any:
        import wandb

        given = self.configuration
        return wandb.Settings(
            api_key=self.secret(given.api_key) if given.api_key else None,
            # Explicit, so that WANDB_BASE_URL cannot redirect a stack to another server.
            base_url=self._server,
            init_timeout=given.timeout,
            finish_timeout=given.finish_timeout,
            # Stackfold records what a step prints.
            console="off",
            silent=True,
        )

    def _ids(self, run: Any, step: TrackedStep) -> Mapping[str, Any]:
        ids: dict[str, Any] = {
            "run_id": run.id,
            "project": run.project,
            "group": run.group,
            "mode": "offline" if run.offline else "online",
        }
        if run.offline:
            return ids | {"folder": os.path.dirname(run.dir)}
        return ids | {"entity": run.entity, "url": run.url}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors of W&B's client as TrackerUnavailable, in one line."""
        import wandb

        try:
            yield
        except (wandb.Error, OSError) as error:
            text = str(error).lower()
            message = next((each for part, each in _MESSAGES.items() if part in text), "")
            first_line = str(error).strip().partition("\n")[0][:200]
            raise TrackerUnavailable(self._server, message or first_line) from None


@contextmanager
def _logged_in() -> Iterator[None]:
    """Forget the API key after the block, in which a run is started with it.

    W&B stores the key for the process, and would send it to the server of the next run. The
    started run has its own copy.
    """
    with _login_lock:
        try:
            yield
        finally:
            with suppress(ImportError):  # undocumented
                from wandb.sdk.lib.wbauth import unauthenticate_session

                unauthenticate_session()


def _facts(step: TrackedStep) -> dict[str, str]:
    return {
        name.removeprefix("stackfold."): value
        for name, value in {**step.run.facts, "stackfold.step": step.name}.items()
    }
