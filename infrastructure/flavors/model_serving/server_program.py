"""The program of a model server: its options, and how it reports that it cannot start."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from stackfold.infrastructure.flavors.model_serving import server_log


class Options(NamedTuple):
    """The options of a server's program, given as `--digest=…` and so on."""

    model: str
    """A file, or a URL such as s3://…."""
    digest: str
    """The sha256 of the model, in hexadecimal."""
    name: str
    """The name by which clients address the model."""
    versions: str = "{}"
    """JSON: "python" and module → the version that wrote the model."""
    host: str = "127.0.0.1"
    port: str = "8080"
    grpc_port: str = "8081"
    metrics_port: str = "0"
    """0 for no metrics."""
    timeout: str = "30"
    """Seconds for a prediction."""
    threads: str = "1"
    """The predictions that are computed at the same time."""
    max_waiting: str = "64"
    """The requests that may be in progress."""
    max_bytes: str = str(16 * 2**20)
    """The largest body of a request."""
    folder: str = "."
    """The working folder."""


def parse_options(arguments: Sequence[str]) -> Options:
    """Parse the options, and change to the working folder.

    Raises:
        SystemExit: The options are invalid.
    """
    words = (each.removeprefix("--").partition("=") for each in arguments)
    try:
        options = Options(**{name.replace("-", "_"): value for name, _, value in words})
    except TypeError as error:
        exit_with(f"the options are wrong: {error}")
    os.chdir(options.folder)
    return options


def exit_with(problem: str) -> NoReturn:
    """End the server with one line on standard error."""
    line = f"{server_log.REASON}{' '.join(problem.split())}"
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)


@contextmanager
def requires(package: str) -> Iterator[None]:
    """End the server if the block cannot import a package."""
    try:
        yield
    except ImportError as error:
        exit_with(f"{sys.executable} cannot import {package}: {error}")
