"""ArtifactDiffs: compares two versions of artifacts, by record, origin and content."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stackfold.application.artifacts.artifact_views import ArtifactDescription, ArtifactQueries
from stackfold.application.history.differences import differences
from stackfold.domain.errors import NotFound, StackfoldError

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_loading import ArtifactLoading
    from stackfold.application.artifacts.previews import Preview

MOST = 50
"""The most differences of the content."""
SECONDS = 30.0
"""How long the store may take, and parsing."""
_RECORD = ("type", "materializer", "size", "files", "label", "tags")
_ORIGIN = ("run", "output", "source", "stack", "stack_revision", "store", "by")


class ArtifactDifference(NamedTuple):
    """A field in which two artifacts differ; None where one does not have it."""

    about: str
    """"artifact", "metadata", "origin", "code", "parameters", "inputs", "schema" or "content"."""
    field: str
    before: Any
    after: Any


class ArtifactDiff(NamedTuple):
    """How one artifact differs from another."""

    before: ArtifactDescription
    after: ArtifactDescription
    same_bytes: bool
    """Whether the stored bytes are equal."""
    differences: list[ArtifactDifference]
    omitted: str
    """What of the content was not compared, and why; empty if all was."""


class ArtifactDiffs:
    """Compares artifacts. Nothing is unpickled, and no class is imported."""

    def __init__(
        self,
        queries: ArtifactQueries,
        steps_of: Callable[[str], Sequence[Any]],
        loading: "Callable[[], ArtifactLoading]",
    ) -> None:
        """Create the service.

        Args:
            queries: Reads artifacts.
            steps_of: Returns the steps of a run, each with name, code and parameters; raises
                NotFound if the run was deleted.
            loading: Creates, on first use, the service that reads previews.
        """
        self._queries = queries
        self._steps_of = steps_of
        self._loading = loading

    def diff(self, before: str, after: str) -> ArtifactDiff:
        """Compare two artifacts; raises as `Artifacts.diff`."""
        both = [self._queries.describe_artifact(each, False) for each in (before, after)]
        one, other = both
        facts = [self._facts(each) for each in both]
        same = one.digest == other.digest
        omitted = ""
        if not same:
            contents, omitted = self._contents(both)
            facts = [{**each, **content} for each, content in zip(facts, contents, strict=True)]
        found = [
            ArtifactDifference(about, *change)
            for about in dict.fromkeys([*facts[0], *facts[1]])
            for change in differences(facts[0].get(about, {}), facts[1].get(about, {}))
        ]
        content = [each for each in found if each.about == "content"]
        if len(content) > MOST:
            omitted = omitted or f"{len(content) - MOST} more differences of the content"
        left_out = {id(each) for each in content[MOST:]}
        found = [each for each in found if id(each) not in left_out]
        return ArtifactDiff(one, other, same, found, omitted)

    def _facts(self, artifact: ArtifactDescription) -> dict[str, dict[str, Any]]:
        return {
            "artifact": {field: getattr(artifact, field) for field in _RECORD},
            "metadata": dict(artifact.metadata),
            "origin": {field: getattr(artifact, field) or None for field in _ORIGIN},
            **self._step(artifact),
        }

    def _step(self, artifact: ArtifactDescription) -> dict[str, dict[str, Any]]:
        """The code, parameters and inputs of the step that made an artifact, if it is known."""
        _, _, rest = artifact.output.partition("/")
        step = rest.rpartition("/")[0]
        try:
            steps = self._steps_of(artifact.run) if step else []
        except NotFound:
            steps = []
        made_by = next((each for each in steps if each.name == step), None)
        if made_by is None:
            return {}
        upstream = self._queries.lineage(artifact.id, True, False, 1).upstream
        return {
            "code": {"step": made_by.code},
            "parameters": dict(made_by.parameters),
            "inputs": dict(upstream[0].inputs) if upstream else {},
        }

    def _contents(
        self, both: list[ArtifactDescription]
    ) -> tuple[list[dict[str, dict[str, Any]]], str]:
        """The schema and the content of each, and what was not compared."""
        try:
            previews = [self._loading().preview(each.id, SECONDS) for each in both]
        except StackfoldError as error:
            return [{} for _ in both], f"the content: {error}"
        forms = {each.form for each in previews}
        if forms == {"table"}:
            cut = any(each.cut for each in previews)
            return [*map(_table, previews)], "rows that are not shown" if cut else ""
        if forms == {"json"} and not any(each.cut for each in previews):
            return [{"content": _flat(json.loads(each.text))} for each in previews], ""
        if forms == {"numbers"} and not any(each.cut for each in previews):
            return [
                {"content": {name: value for name, value, *_ in each.rows}} for each in previews
            ], ""
        if forms <= {"text", "json", "numbers"}:
            return [{"content": {"summary": each.summary}} for each in previews], "the text"
        return [{"content": {"summary": each.summary}} for each in previews], "the bytes"


def _table(preview: "Preview") -> dict[str, dict[str, Any]]:
    types = preview.types or ("",) * len(preview.columns)
    return {
        "schema": dict(zip(preview.columns, types, strict=False)),
        "content": {
            "summary": preview.summary,
            **{
                f"{column}[{number}]": value
                for number, row in enumerate(preview.rows)
                for column, value in zip(preview.columns, row, strict=False)
            },
        },
    }


def _flat(value: Any) -> dict[str, Any]:
    """Path → plain value, for all parts of a JSON value."""
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, each = waiting.pop()
        parts: Mapping[str, Any] = {}
        if isinstance(each, dict):
            parts = {f"{path}.{key}" if path else key: part for key, part in each.items()}
        elif isinstance(each, list):
            parts = {f"{path}[{index}]": part for index, part in enumerate(each)}
        if parts:
            waiting += reversed([*parts.items()])
        else:
            found[path or "value"] = each
    return found
