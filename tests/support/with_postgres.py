"""Runs a command with the address of a new PostgreSQL: `with_postgres.py VARIABLE COMMAND...`.

The variable is left out where there is no PostgreSQL, unless nothing may be skipped.
"""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from postgres_server import started


def main(variable: str, *command: str) -> int:
    """Run the command, and return its exit code."""
    server = contextmanager(started)()
    try:
        url = server.__enter__().url()
    except pytest.skip.Exception as reason:
        print(reason)
        return subprocess.call(command)
    try:
        return subprocess.call(command, env={**os.environ, variable: url})
    finally:
        server.__exit__(None, None, None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
