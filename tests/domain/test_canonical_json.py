"""Canonical JSON: the texts that stored digests and rows depend on."""

from decimal import Decimal

import pytest

from stackfold.domain.canonical_json import canonical_json

VALUE = {"b": [1, 1.5, None], "a": {"ü": True}}


def test_keys_are_sorted_and_nothing_else_is_written():
    assert canonical_json(VALUE) == '{"a":{"ü":true},"b":[1,1.5,null]}'


def test_digests_are_computed_of_ascii():
    assert canonical_json(VALUE, ascii=True) == r'{"a":{"\u00fc":true},"b":[1,1.5,null]}'


def test_rows_have_spaces():
    assert canonical_json(VALUE, spaces=True) == '{"a": {"ü": true}, "b": [1, 1.5, null]}'


def test_equal_values_of_different_types_are_different_texts():
    assert len({canonical_json(value) for value in (1, 1.0, True, "1")}) == 4


def test_other_values_are_converted_if_they_may_be():
    assert canonical_json([Decimal("1.10")], default=str) == '["1.10"]'
    with pytest.raises(TypeError):
        canonical_json([Decimal("1.10")])
