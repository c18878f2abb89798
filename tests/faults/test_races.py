"""Several processes at once: every race has one winner, and each process gets its outcome."""

import json
from contextlib import contextmanager

import pytest
from replay import assert_consistent, records_of
from workspaces import STORE, names, opened

from stackfold.domain.errors import NotFound
from stackfold.infrastructure.system.home import LOG_FILE

pytestmark = pytest.mark.slow


def reasons(ws, *topics):
    return [json.loads(r.state)["why"] for r in records_of(ws._database) if r.topic in topics]


def accepted(outcomes):
    return {
        f"{me}-{number}"
        for me, each in enumerate(outcomes)
        for number, outcome in enumerate(each, start=1)
        if outcome == "done"
    }


def test_of_two_registrations_of_one_name_exactly_one_wins_500_times(place, race):
    outcomes = race("register", place, processes=2, attempts=500)
    assert {tuple(sorted(pair)) for pair in zip(*outcomes, strict=True)} == {("NameTaken", "done")}
    with opened(place) as ws:
        assert len(ws.components.list(STORE)) == 2 + 500
        assert_consistent(ws)


def test_no_update_of_four_at_once_is_lost(place, race):
    outcomes = race("update", place, processes=4, attempts=60)
    assert {outcome for each in outcomes for outcome in each} == {"done", "ConcurrentModification"}
    own = [each[number] for each in outcomes for number in range(1, 60, 2)]
    assert set(own) == {"done"}, "changes of different fields can all stand"
    with opened(place) as ws:
        recorded = reasons(ws, "component.updated")
        assert len(recorded) == len({*recorded})
        assert {*recorded} == accepted(outcomes)
        view = ws.components.get(STORE, "hot")
        assert view.revision == 1 + len(recorded)
        assert view.labels == {
            "shared": [tag for tag in recorded if int(tag.split("-")[1]) % 2][-1],
            **{f"own-{me}": f"{me}-60" for me in range(4)},
        }
        assert_consistent(ws)


def test_a_writer_that_loses_every_race_is_let_in_alone(place):
    with opened(place) as ws, opened(place) as other:
        repository = ws._services.repository
        append, exclusive, races, alone = repository.append, repository._log.exclusive, [], []

        def append_too_late(*aggregates, **more):
            if not alone:
                races.append(1)
                other.components.update(STORE, "hot", labels={"theirs": str(len(races))})
            return append(*aggregates, **more)

        @contextmanager
        def noted():
            with exclusive():
                alone.append(1)
                yield

        repository.append = append_too_late
        repository._log = repository._log._replace(exclusive=noted)
        ws.components.update(STORE, "hot", labels={"mine": "x"}, why="at last")
        assert (len(races), len(alone)) == (3, 1)
        labels = other.components.get(STORE, "hot").labels
        assert labels == {"theirs": "3", "mine": "x"}
        assert_consistent(other)


def test_of_two_activations_both_are_recorded_and_the_last_one_counts(place, race):
    outcomes = race("activate", place, processes=2, attempts=200)
    assert {outcome for each in outcomes for outcome in each} == {"done", "NothingToChange"}
    with opened(place) as ws:
        recorded = reasons(ws, "activation.registered", "activation.activated")
        recorded.remove("first use")
        assert len(recorded) == len({*recorded})
        assert {*recorded} == accepted(outcomes)
        assert_consistent(ws)


def test_a_first_choice_in_a_project_can_be_made_by_two_at_once(home, race, tmp_path):
    project = tmp_path / ".stackfold"
    project.mkdir()
    for number in range(3):
        (project / "project.json").write_text(json.dumps({"id": f"cloned-{number}"}))
        outcomes = race("activate", home, processes=2, attempts=1)
        assert {outcome for each in outcomes for outcome in each} <= {"done", "NothingToChange"}


def test_a_component_is_deleted_or_used_but_never_both(place, race):
    with opened(place) as ws:
        for number in range(1, 201):
            ws.components.register(STORE, f"n{number:04}", "local")
    used, deleted = race("delete_or_use", place, processes=2, attempts=200)
    assert {*zip(used, deleted, strict=True)} <= {("done", "InUse"), ("NotFound", "done")}
    with opened(place) as ws:
        stacks, stores = {*names(ws.stacks.list())}, {*names(ws.components.list(STORE))}
        for number, outcome in enumerate(used, start=1):
            assert (f"n{number:04}" in stacks) == (f"n{number:04}" in stores) == (outcome == "done")
        assert_consistent(ws)


def test_a_name_is_that_of_a_model_or_of_an_artifact_but_never_of_both(place, race):
    outcomes = race("model_or_artifact", place, processes=2, attempts=150)
    assert {tuple(sorted(pair)) for pair in zip(*outcomes, strict=True)} == {("NameTaken", "done")}
    with opened(place) as ws:
        models = {each.name for each in ws.models.list()}
        for number, outcome in enumerate(outcomes[0], start=1):
            name = f"n{number:04}"
            assert (name in models) == (outcome == "done")
            assert len(versions(ws, name)) == (outcome != "done")
        assert_consistent(ws)


def test_versions_saved_by_two_at_once_have_numbers_of_their_own_and_none_is_lost(place, race):
    outcomes = race("save_version", place, processes=2, attempts=150)
    assert {outcome for each in outcomes for outcome in each} == {"done"}
    with opened(place) as ws:
        found = versions(ws, "dataset")
        assert [each.version for each in found] == [*range(300, 0, -1)]
        assert {each.label for each in found} == {f"by-{each}" for each in accepted(outcomes)}
        for each in found[:20]:
            me, number = map(int, each.label.split("-")[1:])
            value = number if number % 2 else me * 1000 + number
            assert ws.artifacts.load(each.reference) == value
        assert_consistent(ws)


def versions(ws, name):
    try:
        return ws.artifacts.versions(name)
    except NotFound:
        return []


def test_a_reader_always_sees_one_state(place, race):
    outcomes = race("read", place, processes=2, attempts=150)
    assert {outcome for each in outcomes for outcome in each} == {"done"}


def test_first_use_by_eight_at_once_makes_one_seed_50_times(tmp_path, race):
    outcomes = race("first_use", f"{tmp_path}/homes/", processes=8, attempts=50)
    assert {outcome for each in outcomes for outcome in each} == {"done"}
    for number in range(1, 51):
        home = tmp_path / "homes" / str(number)
        assert_one_seed(home)
        # Only now: two that close at once may each leave the journal to the other one.
        assert [path.name for path in home.iterdir()] == [LOG_FILE]


def test_first_use_of_a_shared_database_by_eight_at_once_makes_one_seed(postgres, race):
    for number in range(1, 9):
        postgres.execute(f"CREATE DATABASE first{number}")
    outcomes = race("first_use", postgres.url("first"), processes=8, attempts=8)
    assert {outcome for each in outcomes for outcome in each} == {"done"}
    for number in range(1, 9):
        assert_one_seed(postgres.url(f"first{number}"))


def assert_one_seed(place):
    with opened(place) as ws:
        assert names(ws.stacks.list()) == ["default"]
        assert len(ws.components.list(STORE)) == 1 + 8
        assert assert_consistent(ws) == 4 + 8
