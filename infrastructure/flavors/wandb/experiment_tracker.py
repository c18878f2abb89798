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

_turn = threading.Lock()
_PUBLIC = "https://api.wandb.ai"
_FAULTS = {
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
    """Tracks runs with Weights & Biases: one for each step, grouped by the run of the pipeline."""

    flavor = "wandb"

    class Configuration(ports.Configuration):
        """Where runs go, and what they are called there."""

        mode: Literal["online", "offline"] = Field(
            "online",
            description="Whether runs are sent to the server, or kept in a folder until somebody "
            "sends them by `wandb sync`.",
        )
        api_key: Secret | None = Field(
            None,
            description="The key of an account, as a reference {{secret.key}}. Without it, W&B's "
            "own ways are tried: WANDB_API_KEY, then what `wandb login` has left.",
        )
        base_url: str | None = Field(
            None, description="The server, if it is not that of W&B: https://host."
        )
        entity: str | None = Field(
            None,
            min_length=1,
            description="The team or user whose the runs are; by default that of the account.",
        )
        project: str | None = Field(
            None,
            min_length=1,
            max_length=128,
            description="The project that runs go to; by default each pipeline has one of its "
            "name. It is made if it is not there.",
        )
        tags: list[str] = Field([], description="Tags that every run gets there.")
        folder: str = Field(
            ".",
            min_length=1,
            description="Where a folder `wandb` is made for what is on its way: absolute, or "
            "relative to Stackfold's home; `~` is yours.",
        )
        strict: bool = Field(
            False,
            description="Whether a step fails if the server is unavailable. Otherwise one line "
            "says so, and the step is tracked offline.",
        )
        timeout: int = Field(
            30,
            ge=1,
            le=600,
            description="Seconds to wait for the server when a step begins.",
        )
        finish_timeout: int = Field(
            300,
            ge=1,
            le=86400,
            description="Seconds to wait at the end of a step until all is sent; what is not is "
            "kept in the folder, for `wandb sync`.",
        )

        @field_validator("base_url")
        @classmethod
        def _is_a_server(cls, url: str | None) -> str | None:
            # What is wrong with it must not be repeated: it may hold a password.
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
        """Whether what it keeps can be had from other machines."""
        return self.configuration.mode == "online"

    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        # W&B has no runs of runs: those of the steps are a group.
        given = self.configuration
        ids = {"group": run.name, "project": given.project or run.pipeline, "mode": given.mode}
        return ids | ({"entity": given.entity} if given.entity else {})

    def end_run(self, ids: Ids, status: str) -> None:
        """Nothing: the group is what its runs are."""

    @contextmanager
    def track(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Iterator[StepRecord]:
        run = self._begun(step, on_unavailable)
        code = 1
        try:
            with native(run, step.native):
                yield WandbRecord(run, self._ids(run, step))
            code = 0
        finally:
            with self._in_plain_words():
                run.finish(exit_code=code)

    def check_connection(self) -> None:
        """Ask the server who the account is; offline nothing is asked."""
        if self.configuration.mode == "online":
            from stackfold.infrastructure.flavors.wandb.account import require_account

            key = self.configuration.api_key
            require_account(self._place, self.secret(key) if key else None)

    # -- how it is done

    @property
    def _place(self) -> str:
        return self.configuration.base_url or _PUBLIC

    def _begun(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Any:
        mode = self.configuration.mode
        try:
            with self._in_plain_words():
                return self._init(step, mode)
        except TrackerUnavailable as error:
            if self.configuration.strict or mode == "offline":
                raise
            on_unavailable(
                TrackerUnavailable(error.place, f"{error.problem}; it is tracked offline")
            )
            with self._in_plain_words():
                return self._init(step, "offline")

    def _init(self, step: TrackedStep, mode: Literal["online", "offline"]) -> Any:
        import wandb

        given, parent = self.configuration, step.ids or {}
        folder = os.path.join(self.home, os.path.expanduser(given.folder))
        Path(folder).mkdir(parents=True, exist_ok=True)
        with _logged_in() if mode == "online" and given.api_key else nullcontext():
            return wandb.init(
                # One beside those that other threads have, and not the process's.
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
            # Said here, so that WANDB_BASE_URL leads no stack to another server.
            base_url=self._place,
            init_timeout=given.timeout,
            finish_timeout=given.finish_timeout,
            # What a step prints is kept already.
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
    def _in_plain_words(self) -> Iterator[None]:
        """Say in one line what W&B's client says in many."""
        import wandb

        try:
            yield
        except (wandb.Error, OSError) as error:
            text = str(error).lower()
            words = next((words for sign, words in _FAULTS.items() if sign in text), "")
            told = words or str(error).strip().partition("\n")[0][:200]
            raise TrackerUnavailable(self._place, told) from None


@contextmanager
def _logged_in() -> Iterator[None]:
    """The block logs in with a key of ours.

    W&B keeps the key for the process, and would send it to whatever server comes next. The run
    itself has it by then.
    """
    with _turn:
        try:
            yield
        finally:
            with suppress(ImportError):  # it is not documented
                from wandb.sdk.lib.wbauth import unauthenticate_session

                unauthenticate_session()


def _facts(step: TrackedStep) -> dict[str, str]:
    return {
        name.removeprefix("stackfold."): value
        for name, value in {**step.run.facts, "stackfold.step": step.name}.items()
    }
