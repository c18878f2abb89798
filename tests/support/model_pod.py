"""Serves the model of a manifest's container on loopback, by the server that needs no package.

Usage: model_pod.py PORT OPTION..., with the options that a manifest gives `stackfold.serve`.
"""

import os
import sys

port, *given = sys.argv[1:]
options = dict(each.removeprefix("--").split("=", 1) for each in given)
options.pop("grpc-port", None)
options |= {"host": "127.0.0.1", "port": port}
command = [sys.executable, "-m", "stackfold.serve", "local"]
os.execv(command[0], [*command, *(f"--{name}={value}" for name, value in options.items())])
