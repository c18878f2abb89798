"""examples/churn.py, unchanged, on six real tools at once."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from webhook_server import webhook_receiver

from stackfold import Workspace

ROOT = Path(__file__).parents[2]
FEAST = Path(sys.executable).with_name("feast")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the pipelines and with Feast's repository, as docs/churn.md makes them."""
    if not FEAST.exists():
        pytest.skip("no environment with Feast, pandera and Evidently: run `make slow-flavors`")
    repository = tmp_path / "features"
    repository.mkdir()
    shutil.copy(ROOT / "examples" / "churn.py", tmp_path)
    shutil.copy(ROOT / "examples" / "churn_features.py", repository)
    text = (ROOT / "docs" / "churn.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"```yaml\n# feature_store\.yaml\n(.*?)```", text, re.DOTALL)
    (repository / "feature_store.yaml").write_text(settings)
    data = str(ROOT / "examples" / "churn_data.py")
    subprocess.run([sys.executable, data], cwd=repository, check=True)
    subprocess.run([FEAST, "apply"], cwd=repository, check=True, capture_output=True)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hook():
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
def ws(here, cluster, label_studio, hook):
    """A workspace whose active stack has all the tools."""
    with Workspace.open(here / "home") as workspace:
        workspace.secrets.create("ls", {"token": label_studio.token})
        register = workspace.components.register
        register("orchestrator", "k8s", "kubernetes", cluster.settings())
        register("feature_store", "feast", "feast", {"path": str(here / "features")})
        register("data_validator", "schemas", "pandera")
        register("data_validator", "drift", "evidently")
        register("alerter", "hook", "webhook", {"url": hook.url})
        settings = {"url": label_studio.url, "token": "{{ls.token}}"}
        register("annotator", "people", "label_studio", settings)
        workspace.stacks.register(
            "tools",
            orchestrator="k8s",
            artifact_store="default",
            feature_store="feast",
            data_validator=["schemas", "drift"],
            alerter="hook",
            annotator="people",
            activate=True,
        )
        yield workspace


def run(pipeline, *parameters):
    command = [sys.executable, "-m", "stackfold", "pipeline", "run", f"churn.py:{pipeline}"]
    return subprocess.run(
        [*command, "--quiet", *parameters],
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def answer(server, url, choice):
    """Label every item of a dataset as a person."""
    with server.as_person() as client:
        query = {"project": url.split("/")[-2], "fields": "all"}
        for task in client.get("/api/tasks", params=query).json()["tasks"]:
            value = {"choices": [choice]}
            result = {"from_name": "label", "to_name": "item_0", "type": "choices", "value": value}
            content = {"result": [result]}
            client.post(f"/api/tasks/{task['id']}/annotations/", json=content).raise_for_status()


def test_the_file_that_runs_on_stand_ins_runs_on_real_tools(ws, cluster, label_studio, hook):
    learnt = run("learn")
    assert "completed on stack 'tools', revision 1: model churn@1" in learnt.stdout, learnt.stderr
    assert len(cluster.jobs()) == 5
    report = ws.artifacts.load("customers-check")
    assert (report.passed, report.tool) == (True, "pandera")

    (dataset,) = ws.component("annotator").datasets()
    assert (dataset.name, dataset.items, dataset.labelled) == ("unsure-3", 3, 0)
    answer(label_studio, dataset.url, "leaves")
    again = run("learn_again")
    assert "model churn@2" in again.stdout, again.stderr
    assert ws.artifacts.load("labels-3")["left"].tolist() == [True] * 3
    assert hook.received == []

    watched = run("watch", "--parameter", "month=6")
    assert watched.returncode == 1
    assert "failed in step 'compare_with_reference'" in watched.stderr
    report = ws.artifacts.load("comparison")
    assert (report.passed, report.tool, report.metrics["drift_share"]) == (False, "evidently", 0.5)
    (alert,) = [json.loads(each.body) for each in hook.received]
    assert (alert["title"], alert["level"]) == ("pipeline 'watch' failed", "error")
    assert "spent" in alert["text"]
