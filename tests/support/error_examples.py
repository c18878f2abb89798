"""An error of any class, with values for all that its constructor takes."""

import inspect
import re

from stackfold.domain.validation.validation_report import ValidationReport
from stackfold.errors import Violation

EXAMPLES = {
    "str": "{{some.text}}",
    "object": "\a",
    "int": 7,
    "int | None": 7,
    "float": 2.5,
    "float | None": 2.5,
    "bool": True,
    "Any": ValidationReport("check", passed=False, total=1, failed=1),
    "Sequence[str]": ["a", "b"],
    "Sequence[Violation]": [Violation("no registry", "add one")],
    "Mapping[str, str]": {"{{a.b}}": "what needs it"},
    "Mapping[str, Sequence[str]]": {"a": ("b", "c")},
    "Mapping[str, tuple[str, str]]": {"python": ("3.11", "3.12")},
}
"""Type of an argument → a value for it."""


def parameters(kind):
    return list(inspect.signature(kind).parameters.values())


def example(kind):
    """An error of a class, with a value for each argument of its constructor but `message`."""
    named = {}
    for each in parameters(kind):
        if each.name != "message" or each.default is each.empty:
            annotation = inspect.formatannotation(each.annotation).replace("collections.abc.", "")
            named[each.name] = EXAMPLES[re.sub(r"[\w.]+\.(?=Violation)", "", annotation)]
    return kind(**named)
