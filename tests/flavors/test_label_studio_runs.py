"""Labels of Label Studio in steps and on the command line."""

import pytest
from command_line import CommandLine

from stackfold import Workspace, artifact, pipeline, step
from stackfold.errors import RunFailed
from stackfold.steps import labelled_items, send_to_annotator


@pytest.fixture
def ws(label_studio, tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    with Workspace.open(tmp_path / "home") as workspace:
        workspace.secrets.create("ls", {"token": label_studio.token})
        settings = {"url": label_studio.url, "token": "{{ls.token}}"}
        workspace.components.register("annotator", "people", "label_studio", settings)
        for name, isolation in (("here", "inline"), ("apart", "process")):
            executing = {"isolation": isolation, "max_parallel": 1}
            workspace.components.register("orchestrator", name, "local", executing)
            workspace.stacks.register(
                name, orchestrator=name, artifact_store="default", annotator="people"
            )
        workspace.stacks.activate("here")
        workspace.artifacts.save([{"text": "great"}, {"text": "broken"}], "reviews")
        yield workspace


def label(server, url, choice):
    """Label the first item as the person."""
    with server.as_person() as client:
        query = {"project": url.split("/")[-2], "fields": "all"}
        task = client.get("/api/tasks", params=query).json()["tasks"][0]["id"]
        value = {"choices": [choice]}
        result = {"from_name": "label", "to_name": "item_0", "type": "choices", "value": value}
        content = {"result": [result]}
        client.post(f"/api/tasks/{task}/annotations/", json=content).raise_for_status()


@step
def labels_of(items: list[dict]) -> list[str]:
    return [each["labels"]["label"] for each in items]


@pipeline
def sending(dataset: str):
    send_to_annotator(artifact("reviews"), dataset, ["good", "bad"])


@pipeline
def reading(dataset: str, minimum: int = 0):
    labels_of(labelled_items(dataset, minimum=minimum))


@pytest.mark.parametrize("stack", ["here", "apart"])
def test_steps_send_items_and_read_labels(ws, label_studio, stack):
    name = f"steps {stack}"
    url = sending.run(name, stack=stack).load("send_to_annotator")
    again = sending.run(name, stack=stack)
    assert again.load("send_to_annotator") == url
    (sent,) = ws.runs.describe(again.id).steps
    assert sent.metadata == {"dataset": name, "added": 0, "url": url}
    with pytest.raises(RunFailed, match="has 0 of 1 labels: label more"):
        reading.run(name, minimum=1, stack=stack)
    label(label_studio, url, "good")
    assert reading.run(name, minimum=1, stack=stack).load("labels_of") == ["good"]


def test_the_command_line_uses_datasets(ws, label_studio, capsys, tmp_path):
    stackfold = CommandLine(capsys)
    dataset = ("annotator", "dataset")
    created = stackfold.ok(*dataset, "create", "commands", "reviews", "--choice", "good")
    assert created.startswith("dataset 'commands' created with 2 items: http://127.0.0.1:")
    assert stackfold.ok(*dataset, "add", "commands", "reviews").startswith("0 items added")
    url = stackfold.ok(*dataset, "url", "commands").strip()
    label(label_studio, url, "good")
    (found,) = stackfold.json(*dataset, "labelled", "commands")
    assert (found["item"], found["labels"]) == ({"text": "great"}, {"label": "good"})
    assert found["by"] == "ada@example.com"
    saved = stackfold.ok(*dataset, "labelled", "commands", "--save", "labels")
    assert saved == "artifact 'labels@1' saved: 1 labels\n"
    assert ws.artifacts.load("labels") == [found]
    assert ws.artifacts.describe("labels").metadata["dataset"] == "commands"
    listed = {each["name"]: each for each in stackfold.json(*dataset, "list")}
    assert listed["commands"] == {"name": "commands", "items": 2, "labelled": 1, "url": url}
    labels = tmp_path / "labels.xml"
    labels.write_text("<View")
    problem = stackfold.fails(*dataset, "create", "other", "reviews", "--labels", str(labels))
    assert "unclosed token" in problem
    assert "give --labels" in stackfold(*dataset, "create", "other", "reviews").err
    assert "--yes" in stackfold(*dataset, "delete", "commands").err
    assert stackfold.ok(*dataset, "delete", "commands", "--yes") == "dataset 'commands' deleted\n"
    assert "there is no dataset" in stackfold.fails(*dataset, "url", "commands")
