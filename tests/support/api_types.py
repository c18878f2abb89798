"""The types of the JSON API, which `typed_dicts.py` writes."""

from __future__ import annotations

from typing import Any, TypedDict


class ArtifactView(TypedDict):
    id: str
    name: str
    run: str
    step: str
    type: str
    materializer: str
    uri: str
    digest: str
    size: int
    files: int | None
    manifest: int | None
    created: str
    pipeline: str
    version: int
    own_name: str | None
    own_version: int | None
    versions: dict[str, str]
    preview: dict[str, Any] | None
    metadata: dict[str, Any]
    tags: list[str]


class Change(TypedDict):
    field: str
    before: Any
    after: Any


class DeploymentView(TypedDict):
    id: str
    name: str
    status: str
    model: str
    version: str
    traffic: dict[str, int]
    follows: str
    behind: str
    stack: str
    stack_revision: int
    deployer: str
    flavor: str
    url: str
    revision: int
    created: str
    updated: str
    by: str


class DeploymentViewPage(TypedDict):
    items: list[DeploymentView]
    next: str | None
    position: int


class HistoryEntry(TypedDict):
    position: int
    change: int
    when: str
    by: str
    why: str
    kind: str
    name: str
    id: str
    revision: int
    action: str
    changes: list[Change]
    correlation_id: str | None
    database_role: str | None
    package: str | None


class HistoryEntryPage(TypedDict):
    items: list[HistoryEntry]
    next: str | None
    position: int


class Metric(TypedDict):
    step: str
    name: str
    value: float | str


class Problem(TypedDict):
    type: str
    title: str
    status: int
    detail: str
    code: str
    kind: str
    data: dict[str, Any]


class RunDescription(TypedDict):
    id: str
    name: str
    pipeline: str
    stack: str
    stack_revision: int
    status: str
    started: str
    ended: str | None
    by: str
    fingerprint: str
    tags: list[str]
    model_version: str | None
    source: str
    import_root: str
    why: str
    error: str
    parameters: dict[str, Any]
    parameter_form: str
    configuration: dict[str, Any]
    steps: list[StepView]
    pin: dict[str, Any]
    rerun_of: str | None
    environment: dict[str, Any]
    position: int
    metadata: dict[str, Any]
    submitted: dict[str, str] | None
    references: dict[str, str]
    returns: dict[str, Any] | None


class RunDiff(TypedDict):
    before: RunView
    after: RunView
    differences: list[RunDifference]
    changes: list[HistoryEntry]
    values: dict[str, Any]


class RunDifference(TypedDict):
    about: str
    field: str
    before: Any
    after: Any


class RunView(TypedDict):
    id: str
    name: str
    pipeline: str
    stack: str
    stack_revision: int
    status: str
    started: str
    ended: str | None
    by: str
    fingerprint: str
    tags: list[str]
    model_version: str | None


class RunViewPage(TypedDict):
    items: list[RunView]
    next: str | None
    position: int


class StackView(TypedDict):
    id: str
    name: str
    revision: int
    active: bool
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    created: str
    updated: str
    by: str


class StackViewPage(TypedDict):
    items: list[StackView]
    next: str | None
    position: int


class StepView(TypedDict):
    name: str
    status: str
    started: str | None
    ended: str | None
    error: str
    traceback: str
    upstream: list[str]
    step_operator: str | None
    parameters: dict[str, Any]
    parameter_form: str
    inputs: dict[str, str]
    outputs: list[ArtifactView]
    retried: list[str]
    log: dict[str, Any] | None
    key: str
    cached_from: str | None
    metadata: dict[str, Any]
    tags: list[str]
    code: str
    declares: str
    materializers: str
    could_be_cached: bool
    code_form: int
    opaque: list[str]
    saved: list[ArtifactView]
    used: dict[str, str]
