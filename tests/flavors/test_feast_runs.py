"""Features of Feast in steps and on the command line."""

import json

import pandas
import pytest
from command_line import CommandLine
from feast_repository import apply, create

from stackfold import Workspace, artifact, get_context, pipeline, step
from stackfold.errors import RunFailed
from stackfold.steps import training_frame
from stackfold.testing.contracts.feature_store import NOW, ago

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def created(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feast") / "features"
    create(folder)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    return tmp_path / "home"


@pytest.fixture
def ws(created, home):
    with Workspace.open(home) as workspace:
        path = {"path": str(created)}
        workspace.components.register("feature_store", "features", "feast", path)
        for name, isolation in (("here", "inline"), ("apart", "process")):
            settings = {"isolation": isolation, "max_parallel": 1}
            workspace.components.register("orchestrator", name, "local", settings)
            workspace.stacks.register(
                name, orchestrator=name, artifact_store="default", feature_store="features"
            )
        workspace.stacks.activate("here")
        frame = pandas.DataFrame(
            {"customer": [1, 2], "event_timestamp": [ago(4), ago(1)], "churned": [0, 1]}
        )
        workspace.artifacts.save(frame, "customers")
        yield workspace


@step
def spent(frame: pandas.DataFrame) -> list[float]:
    return frame["spent"].tolist()


@pipeline
def training(definitions: str = ""):
    spent(training_frame(artifact("customers"), "churn", definitions=definitions))


def serve() -> list[float]:
    store = get_context().feature_store
    store.materialize(NOW)
    rows = store.online_features([{"customer": 1}, {"customer": 2}], ["spending:spent"])
    return [row["spent"] for row in rows]


@pipeline
def serving():
    step(serve)()


def metadata_of(ws, run, name):
    (found,) = [each for each in ws.runs.describe(run).steps if each.name == name]
    return found.metadata


@pytest.mark.parametrize("stack", ["here", "apart"])
def test_a_step_reads_features_and_records_their_version(ws, stack):
    run = training.run(stack=stack)
    assert run.load("spent") == [10.0, 50.0]
    version = ws.component("feature_store").definitions_version()
    recorded = metadata_of(ws, run.id, "training_frame")
    assert recorded == {"feature_definitions": version, "features": ["churn"]}
    assert serving.run(stack=stack).load("serve") == [30.0, 50.0]


def test_it_is_cached_only_with_the_version_of_the_definitions(ws, created):
    def statuses(definitions, cached):
        options = {"steps": {"training_frame": {"enable_cache": True}}} if cached else {}
        run = training.run(definitions=definitions, configuration=options)
        return [each.status for each in ws.runs.describe(run.id).steps if each.name != "spent"]

    version = ws.component("feature_store").definitions_version()
    assert statuses(version, cached=False) == ["completed"]
    assert statuses(version, cached=False) == ["completed"]
    assert statuses(version, cached=True) == ["cached"]
    apply(created, days=2)
    try:
        with pytest.raises(RunFailed, match="apply the others, or correct the version"):
            statuses(version, cached=False)
        other = ws.component("feature_store").definitions_version()
        assert statuses(other, cached=True) == ["completed"]
    finally:
        apply(created)


def test_the_command_line_reads_features(ws, capsys):
    stackfold = CommandLine(capsys)
    views = stackfold.json("feature-store", "views")
    assert [(each["name"], each["ttl"]) for each in views] == [
        ("spending", 86400.0),
        ("visiting", None),
    ]
    (row,) = stackfold.json("feature-store", "features", "visiting")
    assert row == {
        "feature": "visiting:visits",
        "type": "int64",
        "entities": ["customer"],
        "services": ["churn"],
    }
    until = ("--until", NOW.isoformat(), "--since", "2020-01-01")
    done = stackfold.json("feature-store", "materialize", "visiting", *until)
    assert [each["view"] for each in done] == ["visiting"]
    entities = ("--entity", "customer=1", "--entity", '{"customer": 9}')
    rows = stackfold.json("feature-store", "online", *entities, "--feature", "visiting:visits")
    assert rows == [{"customer": 1, "visits": 7}, {"customer": 9, "visits": None}]
    rows = stackfold.json("feature-store", "training-frame", "customers", "--service", "churn")
    assert [(row["spent"], row["visits"]) for row in rows] == [(10.0, 7), (50.0, 8)]
    saved = stackfold.ok(
        "feature-store", "training-frame", "customers", "--service", "churn", "--save", "training"
    )
    assert saved == "artifact 'training@1' saved: 2 rows\n"
    view = ws.artifacts.describe("training")
    assert view.metadata["entities"] == "customers@1"
    version = stackfold.ok("feature-store", "version").strip()
    assert view.metadata["feature_definitions"] == version


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("online", "--entity", "customer=1"), 2, "give --feature"),
        (("online", "--entity", "customer", "--service", "churn"), 2, "KEY=VALUE"),
        (("online", "--entity", "{", "--service", "churn"), 2, "no JSON"),
        (("online", "--entity", "x=1", "--service", "churn"), 1, "'customer': give it"),
        (("online", "--entity", "customer=1", "--feature", "spent"), 1, "view:feature"),
        (("materialize", "nothing"), 1, "no feature view 'nothing'"),
        (("materialize", "--until", "noon"), 2, "--until 'noon'"),
        (("training-frame", "nothing", "--service", "churn"), 1, "no artifact 'nothing'"),
        (("views", "--stack", "default"), 1, "feature store"),
    ],
)
def test_mistakes_are_one_line(ws, capsys, words, code, problem):
    answer = CommandLine(capsys)("feature-store", *words)
    assert answer.code == code
    assert problem in answer.err
    assert answer.out == ""


def test_nothing_else_is_printed(ws, capsys):
    stackfold = CommandLine(capsys)
    stackfold.ok("feature-store", "materialize")
    assert json.loads(stackfold.ok("feature-store", "views", "-o", "json"))
