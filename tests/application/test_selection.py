import pytest

from stackfold.application.listing.filtering import selected
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.views import FlavorView
from stackfold.domain.errors import InvalidListing

ROWS = [FlavorView(name, "alerter", "own", name == "b", f"says {name}") for name in "cab"]


def names(**listing):
    return [row.name for row in selected(ROWS, Listing(**listing))]


def where(column, operator, value):
    return {"where": (Condition(column, operator, value),)}


def test_all_by_name():
    assert names() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (where("name", "equals", "a"), ["a"]),
        (where("summary", "contains", "ys b"), ["b"]),
        (where("summary", "startswith", "says"), ["a", "b", "c"]),
        (where("summary", "endswith", "c"), ["c"]),
        (where("name", "oneof", "a,c"), ["a", "c"]),
        (where("installed", "equals", "true"), ["b"]),
        (where("installed", "equals", "false"), ["a", "c"]),
        (where("name", "equals", "z"), []),
    ],
)
def test_conditions(condition, found):
    assert names(**condition) == found


def test_order_and_pages():
    assert names(descending=True) == ["c", "b", "a"]
    assert names(size=2) == ["a", "b"]
    assert names(size=2, page=2) == ["c"]
    assert names(size=2, page=3) == []


@pytest.mark.parametrize("wrong", [{"sort_by": "colour"}, where("colour", "equals", "red")])
def test_a_column_that_is_not_there(wrong):
    with pytest.raises(InvalidListing, match="colour"):
        names(**wrong)
