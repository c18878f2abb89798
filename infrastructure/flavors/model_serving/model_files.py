"""The files of a model that a server reads: a pickle, or a folder that MLflow saved."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

MLFLOW_MODEL = "MLmodel"
"""The file by which MLflow describes a folder with a model."""
_PICKLE = b"\x80"
"""The first byte of pickles of protocol 2 and later."""


def is_servable(path: Path) -> bool:
    """Whether `read_model` can read a file or folder."""
    if path.is_dir():
        return (path / MLFLOW_MODEL).is_file()
    with path.open("rb") as file:
        return file.read(1) == _PICKLE


def model_digest(path: Path) -> str:
    """Return the sha256 of a file, or of the paths and digests of all files in a folder."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    files = {each.relative_to(path).as_posix(): each for each in path.rglob("*") if each.is_file()}
    lines = (f"{name}\0{model_digest(files[name])}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_model(path: Path) -> Any:
    """Return the model in a file or folder, whose digest was checked.

    Raises:
        Exception: It cannot be read.
    """
    if path.is_dir():
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(str(path))
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301  # the digest is the recorded one
