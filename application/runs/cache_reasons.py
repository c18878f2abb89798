"""CacheReasons: explains why steps were or were not cached."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from stackfold.application.runs.run_views import RunDescription, RunQueries, StepView, minor_version
from stackfold.domain.errors import NotFound
from stackfold.domain.exact_json.display import readable, text_of

_NEW_FORM = "keys have a new form since that run: each step is executed once more"
_MOST_NAMED = 5


_STATES = {"pending": "it did not begin", "running": "it is running"}
"""The status of a step that has no cache key → the reason."""


class CacheReason(NamedTuple):
    """Why a step was or was not cached."""

    step: str
    status: str
    reason: str
    """One line."""
    compared_with: str | None
    """Name of the run with the latest earlier execution of the step, if any."""
    key: str
    """The cache key; empty if the step did not begin."""
    parts: dict[str, Any]
    """What the key consists of: code, its form, the Python that compiled it and what counts by its
    class alone; parameters and their form; inputs, outputs, materializers, store."""


class EarlierExecutions(Protocol):
    """Looks up earlier executions of a step."""

    def previous(self, run: str, step: str) -> str | None:
        """Return the id of the pipeline's latest earlier run with a key for the step, if any."""
        ...

    def known(self, run: str, key: str) -> str | None:
        """Return the name of the latest earlier run with that cache key, if any."""
        ...

    def digests(self, run: str) -> Mapping[str, str]:
        """Artifact → its digest, for the inputs of the steps of a run, and what they used."""
        ...


class CacheReasons:
    """Compares the cache keys of runs."""

    def __init__(self, queries: RunQueries, executions: EarlierExecutions) -> None:
        """Create the service.

        Args:
            queries: Reads runs.
            executions: Looks up earlier executions.
        """
        self._queries = queries
        self._executions = executions

    def of(self, run: RunDescription, only: str | None = None) -> Iterator[CacheReason]:
        """Explain for each step of a run, or only for one, why it was or was not cached."""
        runs = {run.id: (run, self._executions.digests(run.id))}
        for step in run.steps:
            if only not in {None, step.name}:
                continue
            earlier = self._executions.previous(run.id, step.name) if step.key else None
            if earlier and earlier not in runs:
                described = self._queries.describe_run(earlier)
                runs[earlier] = described, self._executions.digests(earlier)
            after = _parts(step, *runs[run.id])
            then = runs[earlier] if earlier else None
            before = None
            if then:
                before = next(
                    _parts(each, *then) for each in then[0].steps if each.name == step.name
                )
            yield CacheReason(
                step.name,
                step.status,
                self._reason(run, step, before, after),
                then[0].name if then else None,
                step.key,
                after,
            )

    def _reason(
        self,
        run: RunDescription,
        step: StepView,
        before: dict[str, Any] | None,
        after: dict[str, Any],
    ) -> str:
        if step.cached_from:
            try:
                taken = f"taken from run {self._queries.run(step.cached_from).name!r}"
            except NotFound:
                taken = f"taken from run {step.cached_from[:8]!r}, which was deleted"
            return f"{taken}; {_only_by_class(step)}" if step.opaque else taken
        if not step.key and step.status == "completed":
            loaded = ", ".join(map(repr, step.used))
            if not loaded:
                return "it loads artifacts or a version of a model that it chose itself"
            return f"it loads {loaded}: declare them at the step as `uses`"
        if not step.key:
            return _STATES.get(step.status, f"it was {step.status}")
        if not step.could_be_cached:
            return "caching is off" if step.declares else "caching is off: it has no outputs"
        known = self._executions.known(run.id, step.key)
        if known:
            return f"its outputs of run {known!r} no longer exist"
        if before is None:
            return "it was executed for the first time"
        twice = any(
            (each.code, each.parameters, each.inputs) == (step.code, step.parameters, step.inputs)
            for each in run.steps
            if each.name != step.name
        )
        otherwise = "an equal use of it came first" if twice else "the class of an input changed"
        return next(_differences(before, after), otherwise)


def _parts(step: StepView, run: RunDescription, digests: Mapping[str, str]) -> dict[str, Any]:
    (store, *_) = run.pin["components"]["artifact_store"]
    return {
        "code": step.code,
        "code_form": step.code_form,
        "python": minor_version(run.environment.get("python")),
        "opaque": [*step.opaque],
        "parameters": step.parameters,
        "parameter_form": step.parameter_form,
        "inputs": {
            **{text: digests.get(text, "?") for text in step.used},
            **{name: digests.get(id, "?") for name, id in step.inputs.items()},
        },
        "outputs": step.declares,
        "materializers": step.materializers,
        "store": {"flavor": store["flavor"], "configuration": store["configuration"]},
    }


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield the differences, the most informative first."""
    same_form = before["parameter_form"] == after["parameter_form"]
    yield from _parameters(before["parameters"], after["parameters"], same_form)
    if before["code"] != after["code"]:
        yield _code_changed(before, after)
    for name in {**after["inputs"], **before["inputs"]}:
        if before["inputs"].get(name) != after["inputs"].get(name):
            yield f"input {name!r} changed"
    if before["outputs"] != after["outputs"]:
        was, now = before["outputs"] or "none", after["outputs"] or "none"
        yield f"its outputs changed: {was} -> {now}"
    if before["materializers"] != after["materializers"]:
        yield "the materializers of its outputs changed"
    if before["store"] != after["store"]:
        yield "the artifact store changed"


def _code_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before["code_form"] != after["code_form"]:
        return _NEW_FORM
    was, now = before["python"], after["python"]
    if was and now and was != now:
        return f"its byte code is that of another Python: {was} -> {now}"
    return "its code changed"


def _only_by_class(step: StepView) -> str:
    names = ", ".join(step.opaque[:_MOST_NAMED])
    more = len(step.opaque) - _MOST_NAMED
    return f"of its code these count by their class alone: {names}" + (
        f" and {more} more" if more > 0 else ""
    )


def _parameters(
    before: Mapping[str, Any], after: Mapping[str, Any], same_form: bool
) -> Iterator[str]:
    kinds_unknown = False
    for name in {**before, **after}:
        if name not in before:
            yield f"parameter {name!r} is new: {_short(after[name])}"
        elif name not in after:
            yield f"parameter {name!r} was removed"
        elif text_of(before[name]) == text_of(after[name]):
            continue
        elif not same_form and readable(before[name]) == readable(after[name]):
            kinds_unknown = True  # they were not recorded then
        else:
            yield f"parameter {name!r}: {_short(before[name])} -> {_short(after[name])}"
    if kinds_unknown:
        yield _NEW_FORM


def _short(value: Any) -> str:
    shown = text_of(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
