"""A model as its server has it: read from what a pipeline stored, and asked with tensors."""

import hashlib
import json
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

SAYS = "stackfold: "
"""Begins the line by which a server tells why it ended."""
OUTPUT = "predict"
"""What an answer is called that has no name of its own."""

_PIECE = 2**20
_TYPES = {
    "BOOL": "bool",
    **{
        f"{sign}INT{bits}": f"{sign}int{bits}".lower()
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"float{bits}" for bits in (16, 32, 64)},
}
"""The protocol's name of a type → numpy's. BYTES stands for texts, and has none."""
_NAMES = {numpy: name for name, numpy in _TYPES.items()}
_KINDS: dict[str, set[type]] = {"B": {bool}, "I": {int}, "U": {int}, "F": {int, float}}
"""First letter of a type → what its values may be."""


class Refused(ValueError):
    """It cannot be predicted from these inputs; the text says why, in one line."""


class Named(NamedTuple):
    """A tensor of the Open Inference Protocol."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Sequence[Any]


class Options(NamedTuple):
    """What a server's program is told, as `--digest=…` and so on."""

    model: str
    """A file, or an address such as s3://…"""
    digest: str
    """sha256 of what is read there, in hexadecimal."""
    name: str
    """What the model is called by whoever asks."""
    versions: str = "{}"
    """As JSON: "python" and module → the version that wrote the model."""
    host: str = "127.0.0.1"
    port: str = "8080"
    grpc_port: str = "8081"
    metrics_port: str = "0"
    """0 for no metrics."""
    folder: str = "."
    """Where to work."""


def options() -> Options:
    """The options of this program; goes to the folder that it shall work in."""
    words = (each.removeprefix("--").partition("=") for each in sys.argv[1:])
    # A server's packages look for options of their own.
    del sys.argv[1:]
    try:
        given = Options(**{name.replace("-", "_"): value for name, _, value in words})
    except TypeError as error:
        give_up(f"the options are wrong: {error}")
    os.chdir(given.folder)
    return given


def give_up(problem: str) -> NoReturn:
    """End the server, telling why in one line."""
    print(f"{SAYS}{' '.join(problem.split())}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)


@contextmanager
def needing(package: str) -> Iterator[None]:
    """Give up where the block cannot import a package of the server's."""
    try:
        yield
    except ImportError as error:
        give_up(f"{sys.executable} cannot import {package}: {error}")


class ServedModel:
    """An object with a method `predict`."""

    def __init__(self, model: Any) -> None:
        """Serve `model`."""
        self._model = model

    @classmethod
    def read(cls, given: Options) -> "ServedModel":
        """The model that a program is told to serve; gives up if it cannot be had.

        At an address, obstore reads it with what the environment says of the store.
        """
        try:
            with _opened(given.model) as file:
                found = _digest(file)
                if found != given.digest:
                    should = f"its sha256 is {found} and should be {given.digest}"
                    give_up(f"the model is damaged: {should}")
                file.seek(0)
                model = pickle.load(file)  # noqa: S301  # the digest is that of what was recorded
        except Exception as error:
            give_up(f"the model cannot be loaded: {type(error).__name__}: {error}")
        _warn_of_others(json.loads(given.versions))
        if not callable(getattr(model, "predict", None)):
            give_up(f"the model is a {type(model).__name__}, which has no method predict")
        return cls(model)

    def predict(self, inputs: Sequence[Named]) -> list[Named]:
        """Ask the model; a single tensor is given to it as an array, several as a data frame.

        Raises:
            Refused: It cannot be asked by these, or says that it cannot predict from them.
            Exception: Whatever else it raises.
        """
        asked = asked_by(inputs)
        return [tensor(name, values) for name, values in self.answer(asked).items()]

    def answer(self, asked: Any) -> dict[str, Any]:
        """What it predicts from an array or a data frame: name → array. Raises as `predict`."""
        try:
            predicted = self._model.predict(asked)
        except (ValueError, TypeError, KeyError) as error:
            # As models say it, scikit-learn's among them, if the inputs are not theirs.
            raise Refused(" ".join(f"{type(error).__name__}: {error}".split())) from error
        return named(predicted)


serving: list[ServedModel] = []
"""The one that this process serves, for classes that a server makes by itself."""


def asked_by(inputs: Sequence[Named]) -> Any:
    """What tensors stand for: a single one for an array, several for the columns of a data frame.

    Raises:
        Refused: They do not stand for one of these.
    """
    if not inputs:
        raise Refused("there is no input")
    arrays = {each.name: array(each) for each in inputs}
    if len(arrays) < len(inputs):
        raise Refused("two inputs have the same name")
    if len(arrays) == 1:
        return arrays.popitem()[1]
    try:
        import pandas
    except ImportError:
        raise Refused("several inputs are a data frame, and the server has no pandas") from None
    lengths = {each.shape[0] if each.ndim else 0 for each in arrays.values()}
    if len(lengths) > 1 or any(each.size != each.shape[0] for each in arrays.values() if each.ndim):
        raise Refused("several inputs are the columns of a data frame: give all the same length")
    return pandas.DataFrame({name: each.ravel() for name, each in arrays.items()})


def array(given: Named) -> Any:
    """A tensor as an array of numpy's.

    Raises:
        Refused: Its values are not of its type, or do not fit its shape.
    """
    import numpy

    values = [*_flat(given.data)]
    places = 1
    for length in given.shape:
        places *= length
    if places != len(values):
        shape = [*given.shape]
        raise Refused(f"the input {given.name!r} has {len(values)} values for the shape {shape}")
    if given.datatype == "BYTES":
        texts = [each.decode() if isinstance(each, bytes) else each for each in values]
        if not all(isinstance(each, str) for each in texts):
            raise Refused(f"the input {given.name!r} must hold texts")
        return numpy.array(texts, dtype=object).reshape(given.shape)
    if given.datatype not in _TYPES:
        raise Refused(f"there is no datatype {given.datatype!r}: give BYTES, {', '.join(_TYPES)}")
    if given.datatype.startswith("FP"):  # what JSON has instead of NaN
        values = [numpy.nan if each is None else each for each in values]
    if not {type(each) for each in values} <= _KINDS[given.datatype[0]]:
        raise Refused(f"the input {given.name!r} has values that are no {given.datatype}")
    try:
        return numpy.array(values, dtype=_TYPES[given.datatype]).reshape(given.shape)
    except (OverflowError, ValueError) as error:
        raise Refused(f"the input {given.name!r}: {error}") from error


def named(predicted: Any) -> dict[str, Any]:
    """What a model returned: name → array."""
    import numpy

    if hasattr(predicted, "columns") and hasattr(predicted, "to_numpy"):
        return {str(name): predicted[name].to_numpy() for name in predicted.columns}
    if isinstance(predicted, Mapping):
        return {str(name): numpy.asarray(values) for name, values in predicted.items()}
    return {OUTPUT: numpy.asarray(predicted)}


def tensor(name: str, values: Any) -> Named:
    """An array of numpy's as a tensor.

    Raises:
        Refused: JSON cannot carry its values.
    """
    import numpy

    if values.dtype.kind == "O" and not all(isinstance(each, str) for each in values.flat):
        values = numpy.array(values.tolist())
    if values.dtype.kind in "UOSMm":
        texts = values.astype(str).ravel().tolist()
        return Named(name, "BYTES", [*values.shape], texts)
    if values.dtype.name not in _NAMES:
        values = values.astype("float64")
    if values.dtype.kind == "f":
        if numpy.isinf(values).any():
            raise Refused(f"the model predicts infinity in {name!r}, which JSON cannot represent")
        flat = values.ravel().tolist()
        data: list[Any] = [None if each != each else each for each in flat]  # noqa: PLR0124  # NaN
    else:
        data = values.ravel().tolist()
    return Named(name, _NAMES[values.dtype.name], [*values.shape], data)


def _flat(data: Any) -> Iterator[Any]:
    """The values of lists in lists, row by row: the protocol lets both be sent."""
    for each in data:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each


def _digest(file: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if "://" not in source:
        with Path(source).open("rb") as file:
            yield file
        return
    from obstore.store import from_url

    folder, _, name = source.rpartition("/")
    with tempfile.TemporaryFile() as temporary:
        for chunk in from_url(folder).get(name).stream():
            temporary.write(chunk)
        temporary.seek(0)
        yield temporary


def _warn_of_others(versions: Mapping[str, str]) -> None:
    for name, was in versions.items():
        module = sys.modules.get(name)
        here = (
            platform.python_version() if name == "python" else getattr(module, "__version__", was)
        )
        same = here.split(".")[:2] == was.split(".")[:2] if name == "python" else here == was
        if not same:
            text = f"warning: the model was made with {name} {was}, and here is {here}"
            print(text, file=sys.stderr, flush=True)  # noqa: T201
