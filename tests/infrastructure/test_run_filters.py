"""Runs by conditions on metrics, parameters, metadata, tags and columns."""

import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stackfold import Workspace, get_context
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.where import MOST, parse_where
from stackfold.domain.errors import Invalid, InvalidListing, Unavailable
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def train(lr: float, rows: int = 3) -> None:
    get_context().log_metadata({"auc": 1 - lr, "val loss": lr, "kind": "linear"})


@step
def evaluate(lr: float) -> None:
    get_context().log_metadata({"auc": 1 - lr / 2, "error": lr, "e.f": 1})


@Pipeline
def training(lr: float = 0.1, model: str = "tree", deep: bool = False, data: Path = Path("a/b")):
    train(lr)
    evaluate(lr)


@Pipeline
def other():
    train(0.9, rows=7)


def recorded(ws):
    """Runs named by their learning rate: "1", "2" and "3" of `training`, and "9" of `other`."""
    runs = {
        "1": ws.runs.start(training),
        "2": ws.runs.start(training, {"lr": 0.2, "model": "a 'b'", "deep": True}),
        "3": ws.runs.start(training, {"lr": 0.3, "model": "net", "data": Path("c")}),
        "9": ws.runs.start(other),
    }
    ws.runs.tag(runs["2"].id, ["nightly"])
    ws.runs.log_metadata(runs["3"].id, {"cost": 5, "team": "vision", "none": None})
    return {run.id: name for name, run in runs.items()}


@pytest.fixture
def found(ws):
    names = recorded(ws)
    return lambda where="", **options: "".join(
        names[run.id] for run in ws.runs.list(where=where, **options)
    )


# One workspace for all conditions, since recording runs takes longer than finding them.
def test_conditions(found):
    wanted = {
        "": "9321",
        # metrics: of any step, of one, of the run
        "auc > 0.85": "21",
        "auc >= 0.85": "321",
        "train.auc > 0.85": "1",
        "metric.evaluate.auc = 0.9": "2",
        "error < 0.25": "21",
        "error != 0.2": "31",
        "'val loss' > 0.25": "93",
        "'train.val loss' <= .1": "1",
        "e.f = 1": "321",
        "cost = 5": "3",
        "COST = 5": "",
        "nothing > 0": "",
        # parameters of the pipeline, and of a step
        "param.lr >= 0.2": "32",
        "param.lr = 2e-1": "2",
        "param.train.lr > 0.25": "93",
        "param.rows = 7": "",
        "param.train.rows == 7": "9",
        "param.model = net": "3",
        "param.model != net": "21",
        "param.model = \"a 'b'\"": "2",
        "param.model > r": "1",
        "param.lr = '0.2'": "",
        "param.deep = true": "2",
        "param.deep != TRUE": "31",
        "param.data = c": "3",
        "param.unknown != x": "",
        "param.model > 0": "",
        "param.model < 9": "",
        # metadata, tags, columns
        "metadata.team = vision": "3",
        "metadata.train.kind = linear": "9321",
        "metadata.none = null": "3",
        "tag = nightly": "2",
        "tag != nightly": "931",
        "pipeline = training and status != failed": "321",
        "stack_revision >= 1 AND stack = default": "9321",
        "stack_revision > 1": "",
        "started > 2020": "9321",
        "started > 2020-01 and started < 2999-01-01T00:00:00+14:00": "9321",
        "started > 1h": "9321",
        "started > yesterday and ended > 2999": "",
        # several
        "auc > 0.82 and param.lr > 0.1": "32",
        "param.lr > 0.1 and param.model = net and auc < 1": "3",
        "auc > 0.82 and tag = nightly and metadata.train.kind=linear": "2",
    }
    assert {where: found(where) for where in wanted} == wanted


def test_conditions_go_with_filters_order_and_pages(found):
    assert found("auc > 0", pipeline="training", sort_by="error") == "123"
    assert found(sort_by="-train.auc") == "1239"
    assert found(sort_by="error") == "1239"
    assert found(sort_by="-error") == "3219"
    assert found(sort_by="-auc") == "1239"
    assert found(sort_by="val loss", limit=2) == "12"
    assert found("param.lr > 0", sort_by="-error", limit=2) == "32"
    assert found(pipeline="other") == found(listing=equal("pipeline", "other")) == "9"
    assert found(listing=equal("pipeline", "training"), status="failed") == ""
    second = Listing(sort_by="position", size=2, page=2)
    assert found(listing=second) == "39"
    assert found("metadata.train.kind = linear", listing=second) == "39"
    assert found("auc > 0", listing=second._replace(sort_by="error", size=1)) == "2"
    assert found("auc > 0", listing=Listing(sort_by="position", until="#1")) == ""


def equal(column, text):
    return Listing(where=(Condition(column, "equals", text),), sort_by="position")


def test_an_unknown_metric_to_sort_by_is_rejected(found):
    with pytest.raises(InvalidListing, match="there is no column or metric 'colour': choose"):
        found(sort_by="colour")


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("auc", "write NAME OPERATOR VALUE"),
        ("auc >", "write NAME OPERATOR VALUE"),
        ("> 1", "write NAME OPERATOR VALUE"),
        ("auc > 1 and", 'after the last "and"'),
        ("auc > 1, loss < 2", 'join conditions by "and"'),
        ("auc > 1 or loss < 2", 'join conditions by "and"'),
        ("auc > 1 loss < 2", 'join conditions by "and"'),
        ("auc =! 1", "use one of >, >=, <, <=, =, !="),
        ("auc <> 1", "use one of >, >=, <, <=, =, !="),
        ("auc => 1", "use one of >, >=, <, <=, =, !="),
        ("started > #3", "started is a time: compare it with a time, a date, yesterday or an age"),
        ("ended > soon", "ended is a time"),
        ("auc ! 1", "use one of >, >=, <, <=, =, !="),
        ("auc > nan", "compare it with a number"),
        ("auc > '1'", "compare it with a number; for a parameter, write param.auc"),
        ("stack_revision = one", "compare it with a number"),
        ("tag > a", "compare a tag by = or !="),
        ("note = 'a", "a quotation mark has no second one"),
        (" and ".join(["a > 1"] * (MOST + 1)), "give at most 20 conditions"),
        ("a" * 2001, "has 2001 characters"),
    ],
)
def test_what_is_no_condition_is_rejected_in_one_line(where, why):
    with pytest.raises(Invalid, match="condition") as caught:
        parse_where(where)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def one_run():
    with Workspace.in_memory() as workspace:
        workspace.runs.start(training)
        yield workspace


NAMES = st.sampled_from(
    ["auc", "train.auc", "param.lr", "param.train.lr", "metadata.x", "tag", "stack", "param.", "."]
)
ANYTHING = st.one_of(
    st.text(),
    st.builds("{} {} {}".format, st.one_of(NAMES, st.text()), st.sampled_from("<>="), st.text()),
    st.builds("{} != '{}' and a>1".format, NAMES, st.text()),
)


@given(ANYTHING)
@example("auc > 1) OR (1=1")
@example("'; DROP TABLE runs; --' > 1")
@example("stack = '\" OR 1=1 --'")
@example("param.\0 = \ud800")
@example("tag = '%_\\'")
@example("auc > 1e999")
@example("auc > 99999999999999999999999999")
@example("stack_revision < 1_0")
@example("param.lr != " + "9" * 1900)
def test_any_text_finds_runs_or_is_rejected(one_run, text):
    try:
        runs = one_run.runs.list(where=text)
    except Invalid as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(runs) <= 1


@given(st.text(), st.text())
def test_any_name_to_sort_by_is_known_or_rejected(one_run, name, where):
    with pytest.raises(Invalid):
        one_run.runs.list(sort_by=f"?{name}", where=f"? {where}")


# -- what a list can do


def test_a_view_has_its_metrics_by_name(ws):
    run = ws.runs.start(training)
    wanted = {"train.auc": 0.9, "evaluate.auc": 0.95, "val loss": 0.1, "error": 0.1, "e.f": 1.0}
    assert run.metrics == ws.runs.describe(run.id).metrics == wanted
    ws.runs.log_metadata(run.id, {"auc": 7})
    assert ws.runs.get(run.id).metrics == {**wanted, "auc": 7.0}


def test_the_metrics_of_a_list_are_read_by_one_query(ws, found, monkeypatch):
    runs = ws.runs.list()
    read, statements = ws._database.read, []
    monkeypatch.setattr(
        ws._database, "read", lambda *given: statements.append(given) or read(*given)
    )
    assert [run.metrics["val loss"] for run in runs] == [0.9, 0.3, 0.2, 0.1]
    assert len(statements) == 1


def test_a_copied_run_equals_the_run_and_says_where_its_metrics_are(ws):
    run = ws.runs.start(training)
    copy = pickle.loads(pickle.dumps(run))
    assert copy == run
    with pytest.raises(LookupError, match=rf"call ws.runs.metrics\('{run.id}'\)"):
        copy.metrics  # noqa: B018


def test_a_list_becomes_a_table_with_parameters_and_metrics(ws, found):
    runs = ws.runs.list(sort_by="error")
    assert isinstance(runs, list)
    frame = runs.to_pandas()
    assert [*frame["pipeline"]] == ["training", "training", "training", "other"]
    assert frame["train.auc"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.1])
    assert frame["param.lr"].tolist()[:3] == [0.1, 0.2, 0.3]
    assert frame["param.data"].tolist()[:3] == ["a/b", "a/b", "c"]
    assert str(frame["started"].dtype).startswith("datetime64")
    assert len(ws.runs.list(status="failed").to_pandas()) == 0


def test_a_table_needs_pandas(ws, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(Unavailable, match=r"^to_pandas needs pandas: pip install pandas$"):
        ws.runs.list().to_pandas()


def test_the_metrics_of_each_run_are_read_by_its_id(ws, found, monkeypatch):
    read, executed = ws._database.read, []
    with monkeypatch.context() as patched:
        patched.setattr(ws._database, "read", lambda *given: executed.append(given) or read(*given))
        ws.runs.list(where="auc > 0.9 and train.auc > 0.9")
    sql, parameters = executed[0]
    if "sqlite" not in type(ws._database).__module__:
        read("SELECT set_config('enable_seqscan', 'off', false)")
        assert "metrics_by_name_position" not in str(read(f"EXPLAIN {sql}", parameters))
    else:
        plan = str(read(f"EXPLAIN QUERY PLAN {sql}", parameters))
        assert plan.count("SEARCH m USING INDEX sqlite_autoindex_metrics_1 (run=?)") == 2
