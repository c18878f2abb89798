"""The process that executes one step for the local step operator; see there."""

import os
import pickle
import sys
from pathlib import Path
from typing import Any


def main(request: Path, answer: Path) -> None:
    """Execute the call in the file `request`, and leave what came of it in the file `answer`.

    That is a pickled pair: what it returned and None, or what it raised and the traceback.
    """
    try:
        written = _dumped((_called(request), None))
    except BaseException as error:  # SystemExit too: the other side decides what it means
        written = _failure(error)
    # Under its own name only when whole: a process may be killed at any moment.
    partial = answer.with_suffix(".partial")
    partial.write_bytes(written)
    partial.replace(answer)


def _called(request: Path) -> Any:
    with request.open("rb") as file:
        sys.path[:], python_path = pickle.load(file)  # noqa: S301  # written by our parent
        if python_path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = python_path
        return pickle.load(file)()  # noqa: S301


def _failure(error: BaseException) -> bytes:
    from stackfold.application.steps import one_line, traceback_text, trimmed

    text = traceback_text(trimmed(error))
    try:
        written = _dumped((error, text))
        pickle.loads(written)  # noqa: S301  # made a line above
    except Exception:
        # An error that cannot travel is told by one that can.
        written = _dumped((RuntimeError(one_line(error)), text))
    return written


def _dumped(outcome: tuple[Any, str | None]) -> bytes:
    import cloudpickle

    return cloudpickle.dumps(outcome)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
