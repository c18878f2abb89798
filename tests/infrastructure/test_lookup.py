"""Lookups by name, id or prefix, and filtered, sorted and paged lists."""

import pytest
from workspaces import OPERATOR, STORE, names, stack, store

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import Ambiguous, Invalid, InvalidListing, NotFound
from stackfold.domain.stacks.component_type import ComponentType

# -- looking up


def test_a_name_an_id_and_a_prefix_of_either_are_found(ws):
    view = store(ws, "größe-eu", path="a")
    for reference in ("größe-eu", "größe", "gr", "gro\u0308ße-eu", view.id, view.id[:13]):
        assert ws.components.get(STORE, reference) == view


def test_an_exact_name_takes_precedence_over_a_prefix_and_an_id(ws):
    first = stack(ws, "prod")
    stack(ws, "prod-eu")
    assert ws.stacks.get("prod").id == first.id
    named_like_an_id = stack(ws, first.id)
    assert ws.stacks.get(first.id).id == named_like_an_id.id


def test_an_ambiguous_prefix_lists_its_matches(ws):
    for name in ("prod-us", "prod-eu"):
        stack(ws, name)
    with pytest.raises(Ambiguous, match="'prod' fits more than one stack: prod-eu, prod-us; "):
        ws.stacks.get("prod")
    ws.stacks.delete("prod-eu")
    assert ws.stacks.get("prod").name == "prod-us"


def test_a_component_of_another_type_is_not_found(ws):
    ws.components.register(OPERATOR, "shared", "local")
    with pytest.raises(NotFound, match="there is no artifact store 'shared'"):
        ws.components.get(STORE, "shared")


@pytest.mark.parametrize("reference", ["", "%", "_", "d%", "DEFAULT", "default ", "a\0"])
def test_nothing_else_is_found(ws, reference):
    with pytest.raises(NotFound):
        ws.stacks.get(reference)


def test_an_error_lists_some_of_the_existing_names(ws):
    for number in range(12):
        stack(ws, f"s{number:02}")
    with pytest.raises(NotFound, match=r"there is default, s00, .*, s08, …$"):
        ws.stacks.get("nope")


def test_an_error_says_that_nothing_is_registered(ws):
    with pytest.raises(NotFound, match="there is no alerter 'x': none is registered yet"):
        ws.components.get(ComponentType.ALERTER, "x")


# -- listing


@pytest.fixture
def many(ws):
    for name, description, labels in [
        ("prod-eu", "100% real", {"team": "vision", "tier": "1"}),
        ("prod-us", "real_ly", {"team": "vision"}),
        ("größe", 'says "team":"vision"', {"team": "other", "note": '"team":"vision"'}),
        ("Zulu", "", {}),
    ]:
        stack(ws, name, description=description, labels=labels)
    ws.stacks.update("prod-eu", labels={"tier": "2"})
    return ws


def listed(ws, **listing):
    return names(ws.stacks.list(Listing(**listing)))


@pytest.mark.parametrize(
    ("column", "operator", "value", "found"),
    [
        ("name", "equals", "prod-eu", ["prod-eu"]),
        ("name", "equals", "prod", []),
        ("name", "equals", "gro\u0308ße", ["größe"]),
        ("name", "contains", "rod", ["prod-eu", "prod-us"]),
        ("name", "startswith", "prod-", ["prod-eu", "prod-us"]),
        ("name", "endswith", "us", ["prod-us"]),
        ("name", "endswith", "this-is-longer-than-any-of-them-us", []),
        ("name", "endswith", "", ["Zulu", "default", "größe", "prod-eu", "prod-us"]),
        ("name", "oneof", "prod-us,Zulu,nope", ["Zulu", "prod-us"]),
        ("description", "contains", "%", ["prod-eu"]),
        ("description", "contains", "_", ["prod-us"]),
        ("description", "startswith", "REAL", []),
        ("revision", "equals", "2", ["prod-eu"]),
        ("revision", "oneof", "2,3", ["prod-eu"]),
        ("name", "equals", "' OR 1=1 --", []),
    ],
)
def test_a_list_is_filtered_by_a_column(many, column, operator, value, found):
    assert listed(many, where=(Condition(column, operator, value),)) == found


def test_conditions_must_all_hold(many):
    where = (Condition("name", "contains", "prod"), Condition("name", "endswith", "us"))
    assert listed(many, where=where) == ["prod-us"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([("team", "vision")], ["prod-eu", "prod-us"]),
        ([("team", "vision"), ("tier", "2")], ["prod-eu"]),
        ([("tier", "1")], []),
        ([("team", "vis")], []),
        ([("eam", "vision")], []),
        ([("team", "")], []),
        ([("note", '"team":"vision"')], ["größe"]),
    ],
)
def test_a_list_is_filtered_by_labels(many, labels, found):
    assert listed(many, labels=tuple(labels)) == found


def test_a_list_is_sorted(many):
    assert listed(many) == ["Zulu", "default", "größe", "prod-eu", "prod-us"]
    assert listed(many, descending=True) == ["prod-us", "prod-eu", "größe", "default", "Zulu"]
    assert listed(many, sort_by="revision", descending=True)[0] == "prod-eu"
    assert listed(many, sort_by="created") == ["default", "prod-eu", "prod-us", "größe", "Zulu"]
    assert listed(many, sort_by="updated")[-1] == "prod-eu"


def test_a_list_is_paged(many):
    pages = [listed(many, size=2, page=page) for page in (1, 2, 3, 4)]
    assert pages == [["Zulu", "default"], ["größe", "prod-eu"], ["prod-us"], []]
    assert listed(many, size=2, page=10**15) == []
    assert listed(many, size=10**15) == listed(many)


@pytest.mark.parametrize(
    ("listing", "problem"),
    [
        ({"size": 2, "page": 0}, "a page from 1"),
        ({"size": 2, "page": 10**30}, r"a page from 1 to 2\*\*63 - 1"),
        ({"size": 10**30}, "a size from 1"),
        ({"where": (Condition("description", "contains", "\udcff"),)}, "a Listing"),
    ],
)
def test_an_impossible_list_is_rejected(many, listing, problem):
    with pytest.raises(Invalid, match=problem):
        listed(many, **listing)


def test_a_reference_that_is_not_unicode_is_rejected(ws):
    with pytest.raises(Invalid, match=r"reference=.* without lone surrogates"):
        ws.stacks.get("\udcff")


def test_a_list_of_the_past_is_filtered_and_paged(many):
    first = Listing(where=(Condition("name", "contains", "prod"),), size=1, descending=True)
    assert names(many.stacks.list(first, as_of=6)) == ["prod-us"]
    assert names(many.stacks.list(first, as_of=5)) == ["prod-eu"]
    assert names(many.stacks.list(Listing(labels=(("tier", "1"),)), as_of=8)) == ["prod-eu"]


@pytest.mark.parametrize("column", ["nope", "components", "1; DROP TABLE events", ""])
def test_an_unknown_column_is_rejected(many, column):
    for listing in ({"sort_by": column}, {"where": (Condition(column, "equals", "x"),)}):
        with pytest.raises(InvalidListing, match=f"there is no column {column!r}: choose one of"):
            listed(many, **listing)
        with pytest.raises(InvalidListing):
            many.components.list(STORE, Listing(**listing))


def test_components_are_listed_by_flavor(many):
    store(many, "shared")
    by_flavor = Listing(where=(Condition("flavor", "equals", "local"),))
    assert names(many.components.list(STORE, by_flavor)) == ["default", "shared"]
