"""Values that JSON represents are shown as they are, others as their text."""

import pytest

from stackfold.domain.exact_json.display import plain_or_text

NAN = float("nan")


@pytest.mark.parametrize(
    "value", [None, 1, 2.5, "a", [1, "a", None, True], [1, 2.5, [2]], {"a": {"b": [1.5]}}, [], {}]
)
def test_what_json_represents_is_unchanged(value):
    assert plain_or_text(value) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NAN, "nan"),
        ([1, NAN], "[1, nan]"),
        ([1, [2, (3,)]], "[1, [2, (3,)]]"),
        ({1: 2}, "{1: 2}"),
        ({"a": 1, 2: "b"}, "{'a': 1, 2: 'b'}"),
        ({"a": [{"b": NAN}]}, "{'a': [{'b': nan}]}"),
    ],
)
def test_other_values_are_texts(value, text):
    assert plain_or_text(value) == text
