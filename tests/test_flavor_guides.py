"""Every built-in flavor has a guide with a current table of its fields."""

from pathlib import Path

import pytest

from stackfold.cli.flavor_guides import BEGIN, END, guides, with_fields

FOLDER = Path(__file__).parents[1] / "docs" / "flavors"
GUIDES = guides()


@pytest.mark.parametrize("name", GUIDES)
def test_its_table_of_fields_is_current(name):
    guide = (FOLDER / name).read_text()
    assert guide.count(BEGIN) == guide.count(END) == 1
    assert with_fields(guide, GUIDES[name]) == guide, "run `make reference`"


@pytest.mark.parametrize("name", GUIDES)
def test_it_describes_installation_and_tests(name):
    headings = [line for line in (FOLDER / name).read_text().splitlines() if line.startswith("## ")]
    assert {"## Install", "## Register", "## What is tested"} <= {*headings}


def test_the_list_of_guides_is_complete():
    listed = (FOLDER / "README.md").read_text()
    missing = [path.name for path in FOLDER.glob("*.md") if f"({path.name})" not in listed]
    assert missing == ["README.md"]
    assert {path.name for path in FOLDER.glob("*.md")} == {*GUIDES, "README.md", "own.md"}


def test_the_requirements_of_a_flavor_are_listed():
    for name, described in GUIDES.items():
        for requirement in described.requires:
            assert f"'{requirement}'" in (FOLDER / name).read_text(), "tell how to install it"
