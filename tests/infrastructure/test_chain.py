"""The hash chain: its formula, and the columns that it covers."""

import hashlib

import pytest

from stackfold.infrastructure.eventstore.hash_chain import BEGINNING, chained

PARTS = {
    "previous": BEGINNING,
    "position": 1,
    "change": 1,
    "recorded_at": "2026-01-01T00:00:00.000000Z",
    "originator_id": "00000000-0000-4000-8000-000000000001",
    "originator_version": 1,
    "topic": "stack.renamed",
    "state": b'{"name":"b"}',
}
OTHERS = {
    "previous": b"\1" * 32,
    "position": 11,
    "change": 2,
    "recorded_at": "2026-01-01T00:00:00.000001Z",
    "originator_id": "00000000-0000-4000-8000-000000000002",
    "originator_version": 2,
    "topic": "stack.deleted",
    "state": b'{"name":"c"}',
}


def test_the_hash_follows_the_documented_formula():
    columns = (
        b'[1,1,"2026-01-01T00:00:00.000000Z",'
        b'"00000000-0000-4000-8000-000000000001",1,"stack.renamed"]'
    )
    assert chained(**PARTS) == hashlib.sha256(b"\0" * 32 + columns + b'{"name":"b"}').digest()


@pytest.mark.parametrize("part", PARTS)
def test_every_column_affects_the_hash(part):
    assert chained(**{**PARTS, part: OTHERS[part]}) != chained(**PARTS)
