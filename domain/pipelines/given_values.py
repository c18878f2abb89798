"""Given values: arrays, frames, pictures and models that a pipeline function gives to steps.

They cannot be recorded as parameters. They are written to the artifact store when the run starts,
and flow into the step as an artifact does.
"""

from typing import Any

_LIBRARIES = frozenset(
    {
        "PIL", "datasets", "evidently", "keras", "lightgbm", "matplotlib", "numpy", "onnx",
        "pandas", "pandera", "plotly", "polars", "pyarrow", "scipy", "sklearn", "tensorflow",
        "torch", "xgboost",
    }
)  # fmt: skip
"""The packages whose objects may be given to a step as they are."""


def given_as(node: str, input: str) -> str:
    """The text by which a run refers to a given value; no reference of an artifact looks so."""
    return f"({node}.{input})"


def input_of(text: str) -> tuple[str, str] | None:
    """The node and the input of a given value; None for the reference of an artifact."""
    if text[:1] != "(":
        return None
    node, _, input = text[1:-1].rpartition(".")
    return node, input


def given_name(text: str) -> str:
    """The name of the artifact that a given value becomes, beside the outputs of its step."""
    return f"input.{text[1:-1].rpartition('.')[2]}"


def can_be_given(value: Any) -> bool:
    """Whether a value that is no parameter may be given to a step, alone or in a collection."""
    kind = type(value)
    if kind in (list, tuple):
        return any(map(can_be_given, value))
    if kind is dict:
        return any(map(can_be_given, value.values()))
    names = {base.__module__.partition(".")[0] for base in kind.__mro__[:-1]}
    return bool(names & _LIBRARIES) or kind.__name__ == "Directory"
