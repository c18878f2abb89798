"""Programs in other languages can read the log: its events fit published JSON Schemas."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.eventstore.event_schemas import event_schemas, write_schemas

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
GOLDEN = sorted(Path(__file__).with_name("golden_events").iterdir())
VALIDATORS = {
    (each.topic, each.version): Draft202012Validator(each.schema)
    for each in event_schemas(STACKFOLD_AGGREGATES)
}


def validator_of(path):
    aggregate, event, version, *_ = path.name.split(".")
    return VALIDATORS[f"{aggregate}.{event}", int(version.removeprefix("v"))]


def test_the_published_schemas_are_those_of_the_code(tmp_path):
    written = {
        path.name: path.read_bytes() for path in write_schemas(STACKFOLD_AGGREGATES, tmp_path)
    }
    published = {path.name: path.read_bytes() for path in PUBLISHED.iterdir()}
    assert published == written, "run `stackfold log schema docs/schemas`"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_fits_the_schema_of_its_version(path):
    validator_of(path).validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_field_of_another_type_or_name_does_not_fit(path):
    state, validator = json.loads(path.read_bytes()), validator_of(path)
    for name in state:
        with pytest.raises(ValidationError):
            validator.validate({**state, name: {"of": ["another", "type"]}, "extra": 1})
    with pytest.raises(ValidationError):
        validator.validate({name: value for name, value in state.items() if name != "by"})


def test_an_event_of_an_earlier_version_does_not_fit_the_schema_of_a_later_one():
    old = json.loads((GOLDEN[0].parent / "stack.registered.v1.json").read_bytes())
    old["copied_from"] = None
    with pytest.raises(ValidationError, match="class_version"):
        VALIDATORS["stack.registered", 2].validate(old)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidFile, match="cannot be written"):
        write_schemas(STACKFOLD_AGGREGATES, tmp_path / "file")


def test_every_event_of_a_real_log_fits(ws):
    ws.stacks.register("prod", orchestrator="default", artifact_store="default")
    ws.stacks.copy("prod", "copy")
    ws.stacks.activate("copy")
    ws.undo(why="a try")
    for event in ws.log.events():
        version = event.data.get("class_version", 1)
        VALIDATORS[event.topic, version].validate(event.data)
