"""Decodes the recorded parameters of runs and steps."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.domain.exact_json.class_finder import class_finder
from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.display import readable


class RecordedParameters(NamedTuple):
    """The recorded parameters of a run, for its pipeline to decode."""

    form: str
    """"exact", or "plain": JSON, converted according to type hints; see `Run.Started`."""
    parameters: dict[str, Any]
    """The pipeline's."""
    configuration: dict[str, Any]
    """The configuration of the run, including parameters of steps."""


def values_of(records: Mapping[str, Any]) -> dict[str, Any]:
    """Decode values of the exact form, to display them.

    An object of an unknown class is shown by its fields; what cannot be decoded is shown as
    recorded.
    """
    decoder = Decoder(class_finder(), shows_unknown=True)
    return {name: _value(decoder, record) for name, record in records.items()}


def readable_values(records: Mapping[str, Any]) -> dict[str, Any]:
    """Decode values of the exact form to JSON values, for other tools."""
    return {name: readable(value) for name, value in values_of(records).items()}


def values_of_configuration(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a run with its parameters decoded."""
    chosen = dict(configuration)
    if "steps" in chosen:
        chosen["steps"] = {name: _of_step(step) for name, step in chosen["steps"].items()}
    return chosen


def _of_step(chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    if "parameters" not in chosen:
        return chosen
    return {**chosen, "parameters": values_of(chosen["parameters"])}


def _value(decoder: Decoder, record: Any) -> Any:
    if type(record) is not dict and type(record) is not list:
        return record
    try:
        return decoder.decode(record)
    except Exception:  # recorded by a newer version, or a class of the user's that raises
        return record
