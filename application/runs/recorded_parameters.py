"""Parameters as they were recorded, and what they stand for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.display import readable
from stackfold.domain.pipelines.class_finder import class_finder


class RecordedParameters(NamedTuple):
    """The parameters of a run as they were recorded, to be read by its pipeline."""

    form: str
    """"exact", or "plain" where type hints make values of JSON; see `Run.Started`."""
    parameters: dict[str, Any]
    """The pipeline's."""
    configuration: dict[str, Any]
    """What was chosen beside them, parameters of steps included."""


def values_of(records: Mapping[str, Any]) -> dict[str, Any]:
    """The values of records of the exact form, for showing them.

    An object whose class this program does not have is shown by its fields; what cannot be read at
    all is shown as it was recorded.
    """
    decoder = Decoder(class_finder(), shows_unknown=True)
    return {name: _value(decoder, record) for name, record in records.items()}


def readable_values(records: Mapping[str, Any]) -> dict[str, Any]:
    """The same for other tools: values that JSON carries."""
    return {name: readable(value) for name, value in values_of(records).items()}


def values_of_configuration(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a run, with the values of the parameters in it."""
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
    except Exception:  # a kind of a newer version, a class of the user's that fails
        return record
