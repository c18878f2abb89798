"""Logs with approvals, for programs with and without their package."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from approvals import Approval

from stackfold import Workspace


class Place:
    """Where a log is, to be opened by programs with and without the package."""

    def __init__(self, home, store=None):
        self.home, self.store = home, store

    def open(self, *aggregates):
        return Workspace.open(self.home, self.store, actor="ada", aggregates=aggregates)


@contextmanager
def skipping(*topics) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [each.message.topic for each in caught] == [*topics]


def request(ws, name="prod", **notes) -> str:
    approval = Approval.request(name, **notes)
    ws.repository.save(approval, why="please")
    return str(approval.id)


def states(ws, **options):
    return {each.name: each.row.state for each in ws.aggregates(Approval).list(**options)}


def events(ws):
    return [tuple(each) for each in ws.log.events()]
