"""The configuration of a run is read from a YAML file; invalid files are rejected."""

import pytest

from stackfold.domain.errors import InvalidFile
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def load(tmp_path):
    def written(text):
        path = tmp_path / "run.yaml"
        path.write_text(text)
        with Workspace.in_memory() as workspace:
            return workspace.pipelines.configuration(path)

    return written


def test_a_file_can_set_everything(load):
    chosen = load("""
        parameters: {rows: 5, rates: [0.1, 0.2]}
        stack: prod
        enable_cache: false
        failure_mode: continue_on_failure
        tags: [nightly]
        metadata: {ticket: 7}
        steps:
          train:
            parameters: {rate: 0.5}
            retries: 3
            delay: 0.5
            backoff: 2
            timeout: 60
            enable_cache: true
            step_operator: gpu
            tags: [costly]
            metadata: {owner: ada}
          load:
            step_operator: true
    """)
    assert chosen.parameters == {"rows": 5, "rates": [0.1, 0.2]}
    assert (chosen.stack, chosen.enable_cache) == ("prod", False)
    assert chosen.failure_mode is FailureMode.CONTINUE_ON_FAILURE
    assert (chosen.tags, chosen.metadata) == (("nightly",), {"ticket": 7})
    train = chosen.steps["train"]
    assert train.parameters == {"rate": 0.5}
    assert train.options == {
        "retries": 3, "delay": 0.5, "backoff": 2.0, "timeout": 60.0, "enable_cache": True,
        "step_operator": "gpu", "tags": ("costly",), "metadata": {"owner": "ada"},
    }  # fmt: skip
    assert chosen.steps["load"].options == {"step_operator": True}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "steps:\nparameters:\n", "steps: {a:}\n"])
def test_a_file_may_set_nothing(load, text):
    chosen = load(text)
    assert (chosen.parameters, chosen.options) == ({}, {})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("retries: 3", "retries: unknown key in the configuration of a run"),
        (
            "steps: {a: {on_start: x}}",
            "steps.a.on_start: unknown key in the configuration",
        ),
        ("steps: {a: {retries: often}}", "steps.a.retries: it should be a valid integer"),
        ("failure_mode: never", "failure_mode: it should be 'fail_fast', 'stop_on_failure' or"),
        ("tags: [a b]", "tags: 'a b' cannot be a tag"),
        ("enable_cache: often", "enable_cache: it should be a valid boolean"),
        ("metadata: {x: !!binary aGk=}", "metadata: is or contains a bytes"),
        ("[1, 2]", "is not the configuration of a run: write a mapping of keys"),
        ("a: [1", "line 1: expected "),
        ("a: 1\na: 2", "'a' is given twice"),
        ("stack: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_not_a_configuration_is_rejected_in_one_line(load, text, line):
    with pytest.raises(InvalidFile) as caught:
        load(text)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_rejected(tmp_path):
    with Workspace.in_memory() as workspace, pytest.raises(InvalidFile, match="No such file"):
        workspace.pipelines.configuration(tmp_path / "missing.yaml")
