"""One can ask why a step was or was not taken from the cache."""

import logging
from pathlib import Path
from urllib.request import url2pathname

import pytest
from runnable import single

from stackfold.application.runs import launcher
from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.code import fingerprints
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.runs.environment import Environment
from stackfold.infrastructure.system import environment


@step
def load(rows: int = 3) -> list[int]:
    return list(range(rows))


@step
def scale(data: list[int], by: float = 2) -> list[float]:
    return [each * by for each in data]


@step
def announce(data: list[float]) -> None:
    pass


@Pipeline
def chain(rows: int = 3, by: float = 2):
    announce(scale(load(rows), by))


def reasons(runs, run):
    return {each.step: each.reason for each in runs.why(run.id)}


def test_the_first_execution_has_nothing_to_be_compared_with(runs):
    run = runs.start(chain)
    assert reasons(runs, run) == {
        "load": "it was executed for the first time",
        "scale": "it was executed for the first time",
        "announce": "caching is off: it has no outputs",
    }
    assert {each.compared_with for each in runs.why(run.id)} == {None}


def test_a_cached_step_says_from_where(runs):
    first, second = runs.start(chain), runs.start(chain)
    assert reasons(runs, second)["load"] == f"taken from run {first.name!r}"


def test_a_cached_step_may_be_from_a_deleted_run(runs):
    first, second = runs.start(chain), runs.start(chain)
    runs.delete(first.id)
    deleted = f"taken from run {first.id[:8]!r}, which was deleted"
    assert reasons(runs, second)["load"] == deleted


def test_the_difference_to_the_latest_execution_is_told(runs):
    runs.start(chain)
    latest = runs.start(chain, {"by": 3})
    run = runs.start(chain, {"by": 4, "rows": 5})
    (load, scale, _) = runs.why(run.id)
    assert load.reason == "parameter 'rows': 3 -> 5"
    assert scale.reason == "parameter 'by': 3.0 -> 4.0"
    assert scale.compared_with == latest.name


def test_an_input_that_changed_is_named(runs):
    runs.start(chain)
    run = runs.start(chain, {"rows": 4})
    assert reasons(runs, run)["scale"] == "input 'data' changed"


def test_code_that_changed_is_told(runs):
    runs.start(single(lambda: 1))
    run = runs.start(single(lambda: 2))
    assert reasons(runs, run) == {"only": "its code changed"}


def test_outputs_that_changed_are_told(runs):
    def first() -> int:
        return 1

    def second() -> float:
        return 1

    runs.start(single(first))
    run = runs.start(single(second))
    assert reasons(runs, run) == {"only": "its outputs changed: output: int -> output: float"}


def test_another_store_is_told(runs, other_stack):
    runs.start(chain)
    assert reasons(runs, runs.start(chain, stack="other"))["load"] == "the artifact store changed"


def test_artifacts_that_are_gone_are_told(runs):
    first = runs.start(chain)
    (loaded, _) = runs.artifacts(first.id)
    Path(url2pathname(loaded.uri.removeprefix("file://"))).unlink()
    run = runs.start(chain)
    assert reasons(runs, run)["load"] == f"its outputs of run {first.name!r} no longer exist"


def test_caching_that_is_off_is_told(runs):
    runs.start(chain)
    run = runs.start(chain, configuration=RunConfiguration(enable_cache=False))
    assert reasons(runs, run)["load"] == "caching is off"


def test_a_step_that_never_got_there_says_so(runs):
    def failing():
        announce(scale(step(name="broken")(lambda: 1 / 0)(), 1))

    with pytest.raises(RunFailed) as caught:
        runs.start(Pipeline(failing))
    assert {each.step: each.reason for each in runs.why(caught.value.run)} == {
        "broken": "it was failed",
        "scale": "it was skipped",
        "announce": "it was skipped",
    }


def test_the_parts_of_the_key_are_shown(runs):
    (loaded, scaled, _) = runs.why(runs.start(chain).id)
    assert scaled.parts["parameters"] == {"by": 2.0}
    assert list(scaled.parts["inputs"]) == ["data"]
    assert len(scaled.parts["inputs"]["data"]) == len(scaled.parts["code"]) == len(scaled.key) == 64
    assert scaled.parts["outputs"] == "output: list[float]"
    assert scaled.parts["store"] == {"flavor": "local", "configuration": {"path": "artifacts"}}
    assert loaded.parts["code"] != scaled.parts["code"]


# -- code


log = logging.getLogger(__name__)


def test_what_counts_by_its_class_alone_is_named(runs):
    def work() -> int:
        log.info("at work")
        return 1

    runs.start(single(work))
    run = runs.start(single(work))
    (why,) = runs.why(run.id)
    assert why.status == "cached"
    assert why.parts["opaque"] == ["log (logging.Logger)"]
    assert why.reason.endswith("these count by their class alone: log (logging.Logger)")


def test_a_key_of_an_older_form_is_told(runs, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(launcher, "FORM", 1)
        older.setattr(fingerprints, "FORM", 1)
        runs.start(single(lambda: 1))
    run = runs.start(single(lambda: 1))
    (why,) = runs.why(run.id)
    assert (why.status, why.reason) == (
        "completed",
        "keys have a new form since that run: each step is executed once more",
    )


def test_a_rerun_of_a_run_with_keys_of_an_older_form_does_not_say_that_its_code_changed(
    runs, monkeypatch
):
    pipeline = single(lambda: 1)
    with monkeypatch.context() as older:
        older.setattr(launcher, "FORM", 1)
        older.setattr(fingerprints, "FORM", 1)
        first = runs.start(pipeline)
    assert runs.rerun(first.id, pipeline=pipeline).status == "completed"


def test_the_byte_code_of_another_python_is_told(runs, monkeypatch):
    def elsewhere():
        return Environment(python="3.99.1")

    monkeypatch.setattr(environment, "environment", elsewhere)
    runs.start(single(lambda: 1))
    monkeypatch.undo()
    run = runs.start(single(lambda: 2))
    reason = reasons(runs, run)["only"]
    assert reason.startswith("its byte code is that of another Python: 3.99 -> 3.")


class Features:
    def total(self) -> int:
        return 1


def test_an_equal_use_that_came_first_is_told(runs):
    def draw() -> int:
        return 1

    def once():
        step(draw)()

    def twice():
        use = step(draw)
        use()
        use()

    runs.start(Pipeline(once, name="drawing"))
    runs.start(Pipeline(twice, name="drawing"), configuration=RunConfiguration(enable_cache=False))
    run = runs.start(Pipeline(twice, name="drawing"))
    assert reasons(runs, run)["draw_2"].startswith("taken from run")


def test_the_class_of_an_input_counts_where_no_hint_names_it(runs, monkeypatch):
    def make() -> object:
        return {"a": Features()}["a"]

    def use(features: object) -> int:
        return features.total()  # type: ignore[attr-defined]

    def both():
        step(use)(step(make)())

    runs.start(Pipeline(both))
    assert {each.status for each in runs.steps(runs.start(Pipeline(both)).id)} == {"cached"}
    monkeypatch.setattr(Features, "total", lambda self: 2)
    # The one names the class, the other is only given what is of it.
    assert reasons(runs, runs.start(Pipeline(both))) == {
        "make": "its code changed",
        "use": "the class of an input changed",
    }
