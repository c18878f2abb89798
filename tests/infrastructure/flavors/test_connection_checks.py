"""`stackfold stack check --connect` knows every flavor: it checks a connection, or has none."""

import importlib
from pathlib import Path

import pytest

from stackfold.application.ports import StackComponent
from stackfold.infrastructure.system.packages import BUILT_IN

README = Path(__file__).parents[3] / "docs" / "flavors" / "README.md"

WITHOUT_A_CONNECTION = {
    "data_validator evidently": "computes in the step",
    "data_validator pandera": "computes in the step",
    "model_deployer local": "starts processes",
    "model_deployer mlflow": "starts processes",
    "model_registry local": "is the log",
    "orchestrator local": "runs the steps in this process",
    "step_operator local": "starts processes",
}
"""Flavor → why there is nothing to check."""

each_flavor = pytest.mark.parametrize(
    "entry", BUILT_IN, ids=lambda each: f"{each.type} {each.name}"
)


def class_of(entry):
    module, _, name = entry.source.rpartition(".")
    return getattr(importlib.import_module(module), name)


@each_flavor
def test_a_flavor_checks_its_connection_or_has_none(entry):
    checks = class_of(entry).check_connection is not StackComponent.check_connection
    exempt = f"{entry.type} {entry.name}" in WITHOUT_A_CONNECTION
    assert checks != exempt, (
        "override `check_connection`, or name it in WITHOUT_A_CONNECTION with the reason"
    )


@each_flavor
def test_the_guide_says_what_is_checked(entry):
    table = README.read_text().partition("| Component | What is checked |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if "|" in line]
    type = entry.type.replace("_", " ")
    if f"{entry.type} {entry.name}" in WITHOUT_A_CONNECTION:
        found = [told for what, told in rows if f"{type}" in what and "nothing" in told]
    else:
        found = [told for what, told in rows if type in what and f"`{entry.name}`" in what]
    assert found


def test_what_has_no_connection_exists():
    assert {*WITHOUT_A_CONNECTION} <= {f"{each.type} {each.name}" for each in BUILT_IN}
