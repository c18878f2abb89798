"""An equal earlier execution stands for a step, if all that it made is still there."""

import random
import threading
from pathlib import Path
from typing import Annotated
from urllib.request import url2pathname

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runnable import STORE

from stackfold.domain.errors import RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.runs.cache_key import CacheKey, InputDigest

executed = []
"""What `note` changes while it runs, and so no part of its code."""
factor = {"value": 2}


@pytest.fixture(autouse=True)
def nothing_executed():
    executed.clear()
    factor["value"] = 2


def note(name):
    executed.append(name)


@step
def load(rows: int = 3) -> list[int]:
    note("load")
    return list(range(rows))


@step
def scale(data: list[int], by: int = 2) -> list[int]:
    note("scale")
    return [each * by for each in data]


@step
def total(data: list[int]) -> Annotated[int, "sum"]:
    note("total")
    return sum(data)


@Pipeline
def chain(rows: int = 3, by: int = 2):
    total(scale(load(rows), by))


def one(function, **options):
    """A pipeline of a single step."""
    made = step(name="only", **options)(function)

    def single():
        made()

    return Pipeline(single)


def statuses(runs, run):
    return {each.name: each.status for each in runs.steps(run.id)}


def ran(action):
    """What was executed by an action."""
    executed.clear()
    answer = action()
    return [*executed], answer


# -- hits


def test_a_second_run_executes_nothing_and_has_the_same_artifacts(runs):
    first = runs.start(chain)
    done, second = ran(lambda: runs.start(chain))
    assert done == []
    assert statuses(runs, second) == dict.fromkeys(("load", "scale", "total"), "cached")
    assert second.status == "completed"
    assert runs.load(second.id, "total") == runs.load(first.id, "total") == 6
    assert [each.id for each in runs.artifacts(second.id)] == [
        each.id for each in runs.artifacts(first.id)
    ]


def test_a_damaged_artifact_names_what_makes_it_whole_and_that_does(runs, workspace):
    runs.start(chain)
    for path in (workspace.home / "artifacts").glob("??/*"):
        path.write_bytes(path.read_bytes()[::-1])  # as long as before
    other = {"by": 3}  # so that the cached output of `load` is read
    with pytest.raises(RunFailed, match=r"is damaged: .*; run .* again without the cache"):
        runs.start(chain, other)
    runs.start(chain, other, configuration=RunConfiguration(enable_cache=False))
    last = runs.start(chain, other)
    assert set(statuses(runs, last).values()) == {"cached"}
    assert runs.load(last.id, "total") == 9


def test_a_cached_step_says_where_its_outputs_come_from_however_often(runs):
    first = runs.start(chain)
    runs.start(chain)
    third = runs.start(chain)
    assert {each.cached_from for each in runs.steps(first.id)} == {None}
    assert {each.cached_from for each in runs.steps(third.id)} == {first.id}


def test_a_cached_step_has_ended_before_the_next_one_begins(runs):
    # Its event is written later, with that of the step that is executed.
    runs.start(chain)
    run = runs.start(chain, {"by": 3})
    steps = {each.name: each for each in runs.steps(run.id)}
    assert (steps["load"].status, steps["scale"].status) == ("cached", "completed")
    assert steps["load"].started <= steps["load"].ended <= steps["scale"].started


def test_only_what_depends_on_a_change_is_executed_again(runs):
    runs.start(chain)
    done, _ = ran(lambda: runs.start(chain, {"by": 3}))
    assert done == ["scale", "total"]


def test_a_step_whose_inputs_come_out_the_same_is_not_executed_again(runs):
    @step
    def even(rows: int) -> list[int]:
        return list(range(rows // 2 * 2))

    @Pipeline
    def rounding(rows: int):
        total(even(rows))

    runs.start(rounding, {"rows": 4})
    done, run = ran(lambda: runs.start(rounding, {"rows": 5}))
    assert (done, statuses(runs, run)) == ([], {"even": "completed", "total": "cached"})


def test_another_pipeline_with_the_same_step_shares_its_results(runs):
    runs.start(chain)

    @Pipeline
    def other():
        scale(load(3), 2)

    done, _ = ran(lambda: runs.start(other))
    assert done == []


def test_what_a_failed_run_completed_counts(runs):
    @Pipeline
    def failing():
        total(scale(load()))
        step(name="broken")(lambda: 1 / 0)()

    with pytest.raises(RunFailed):
        runs.start(failing)
    done, _ = ran(lambda: runs.start(chain))
    assert done == []


def test_who_asks_twice_for_the_same_gets_two(runs):
    @step
    def draw() -> float:
        return random.random()

    @Pipeline
    def drawing():
        draw()
        draw()

    first, second = runs.start(drawing), runs.start(drawing)
    drawn = [runs.load(first.id, name) for name in ("draw", "draw_2")]
    assert drawn[0] != drawn[1]
    assert [runs.load(second.id, name) for name in ("draw", "draw_2")] == drawn


def test_a_list_is_not_a_tuple(runs):
    @step
    def kind(values: object) -> str:
        return type(values).__name__

    def listing():
        kind([load()])

    def tupling():
        kind((load(),))

    first, second = runs.start(Pipeline(listing)), runs.start(Pipeline(tupling))
    assert (runs.load(first.id, "kind"), runs.load(second.id, "kind")) == ("list", "tuple")


def test_equal_bytes_of_another_type_are_another_input(runs):
    @step
    def text() -> str:
        return "1"

    @step
    def raw() -> bytes:
        return b'"1"'

    @step
    def kind(value: object) -> str:
        return type(value).__name__

    def texts():
        kind(text())

    def raws():
        kind(raw())

    runs.start(Pipeline(texts))
    run = runs.start(Pipeline(raws))
    assert runs.load(run.id, "kind") == "bytes"


# -- misses


def test_a_change_of_what_a_helper_does_is_a_change_of_the_step(runs):
    def made(amount):
        def helper():
            return amount

        def work() -> int:
            note("work")
            return helper()

        return one(work)

    runs.start(made(1))
    assert ran(lambda: runs.start(made(1)))[0] == []
    assert ran(lambda: runs.start(made(2)))[0] == ["work"]


def test_a_constant_of_the_module_counts(runs):
    def work() -> int:
        note("work")
        return factor["value"]

    runs.start(one(work))
    factor["value"] = 3
    done, run = ran(lambda: runs.start(one(work)))
    assert (done, runs.load(run.id, "only")) == (["work"], 3)


def test_an_artifact_that_is_gone_or_cut_off_is_made_again(runs):
    first = runs.start(chain)
    (loaded, scaled, _) = runs.artifacts(first.id)
    path_of(loaded).unlink()
    path_of(scaled).write_bytes(b"[")
    done, run = ran(lambda: runs.start(chain))
    assert done == ["load", "scale"]
    assert runs.load(run.id, "total") == 6


def path_of(artifact):
    return Path(url2pathname(artifact.uri.removeprefix("file://")))


def test_a_pickle_is_made_again_where_pickles_are_refused(runs):
    def work() -> object:
        note("work")
        return lambda: 1

    runs.start(one(work))
    assert ran(lambda: runs.start(one(work)))[0] == []
    with pytest.raises(RunFailed, match="this store allows no pickles"):
        runs.start(one(work), configuration=RunConfiguration(no_pickle=True))


def test_another_store_is_another_cache(workspace, runs, other_stack, tmp_path):
    runs.start(chain)
    assert ran(lambda: runs.start(chain, stack="other"))[0] == ["load", "scale", "total"]
    assert ran(lambda: runs.start(chain, stack="other"))[0] == []
    workspace.components.update(STORE, "other", configuration={"path": str(tmp_path / "moved")})
    assert ran(lambda: runs.start(chain, stack="other"))[0] == ["load", "scale", "total"]


def test_another_name_of_the_store_is_the_same_cache(workspace, runs, other_stack):
    runs.start(chain, stack="other")
    workspace.components.rename(STORE, "other", "renamed")
    workspace.stacks.rename("other", "another")
    assert ran(lambda: runs.start(chain, stack="another"))[0] == []


# -- who decides


def test_a_run_without_cache_executes_all_and_its_results_are_the_ones_that_count(runs):
    def now() -> int:
        note("now")
        return len(executed) + 100 * outside.value

    # Counts by its class alone, so that the digest does not see it change.
    outside = threading.local()
    outside.value = 1
    pipeline = one(now)
    runs.start(pipeline)
    outside.value = 2
    assert ran(lambda: runs.start(pipeline))[0] == []
    fresh = runs.start(pipeline, configuration=RunConfiguration(enable_cache=False))
    assert runs.load(fresh.id, "only") > 200
    done, later = ran(lambda: runs.start(pipeline))
    assert done == []
    assert [each.cached_from for each in runs.steps(later.id)] == [fresh.id]


def test_a_step_can_refuse_to_be_cached(runs):
    pipeline = one(lambda: note("work"), enable_cache=False)
    runs.start(pipeline)
    assert ran(lambda: runs.start(pipeline))[0] == ["work"]


def test_a_step_without_outputs_is_executed_each_time_unless_it_says_otherwise(runs):
    def silent() -> None:
        note("silent")

    runs.start(one(silent))
    assert ran(lambda: runs.start(one(silent)))[0] == ["silent"]
    assert ran(lambda: runs.start(one(silent, enable_cache=True)))[0] == []


# -- the key

TEXT = st.text(max_size=5)
INPUT = st.builds(InputDigest, TEXT, TEXT, TEXT)
KEYS = st.builds(
    CacheKey,
    code=TEXT,
    parameters=st.dictionaries(TEXT, st.integers() | TEXT | st.booleans(), max_size=3),
    inputs=st.dictionaries(TEXT, INPUT, max_size=3),
    gathered=st.dictionaries(TEXT, TEXT, max_size=2),
    outputs=TEXT,
    materializers=TEXT,
    store=st.dictionaries(TEXT, TEXT, max_size=2),
    repetition=st.integers(0, 3),
)


@settings(deadline=None)  # a busy machine is no fault
@given(KEYS, KEYS, st.sampled_from(CacheKey._fields))
def test_a_key_changes_if_and_only_if_a_part_changes(one, other, field):
    changed = one._replace(**{field: getattr(other, field)})
    same = repr(getattr(one, field)) == repr(getattr(changed, field))
    if same or getattr(one, field) != getattr(changed, field):
        assert (one.digest == changed.digest) == same
    assert one.digest == one._replace().digest
    shuffled = one._replace(parameters=dict(reversed(one.parameters.items())))
    assert shuffled.digest == one.digest
