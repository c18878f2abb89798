"""Serve a model: `python -m stackfold.serve FLAVOR --model=MODEL --digest=SHA256 --name=NAME`.

Deployments run this, as processes of this machine and in the containers of manifests. The flavor's
server must be installed; the dependencies of Stackfold need not be.

Options, each as `--option=value`:

    model         A file, or a URL such as s3://….
    digest        The sha256 of the model, in hexadecimal.
    name          The name by which clients address the model.
    versions      JSON: "python" and module → the version that wrote the model.
    host          The address to listen on, 127.0.0.1 by default.
    port          The port, 8080 by default.
    grpc-port     Seldon only: the port of gRPC, 8081 by default.
    metrics-port  Seldon only: the port of metrics, none by default.
    timeout       Local only: the seconds for a prediction, 30 by default.
    threads       Local only: the predictions that are computed at the same time, 1 by default.
    max-waiting   Local only: the requests that may be in progress, 64 by default.
    max-bytes     Local only: the largest body of a request, 16777216 by default.
    folder        The working folder, the current one by default.
"""

import sys
from importlib import import_module

FLAVORS = ("kserve", "local", "mlflow", "seldon")
"""The model deployers whose servers this program runs."""


def main() -> None:
    """Serve until the process is terminated."""
    flavor, *arguments = sys.argv[1:] or [""]
    if flavor not in FLAVORS:
        print(__doc__, file=sys.stderr)  # noqa: T201
        raise SystemExit(f"error: give one of the flavors {', '.join(FLAVORS)}")
    server = import_module(f"stackfold.infrastructure.flavors.{flavor}.server")
    # The packages of a server read options of their own.
    del sys.argv[1:]
    server.main(arguments)


if __name__ == "__main__":
    main()
