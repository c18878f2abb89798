"""Logs of the servers of deployments."""

import time
from collections.abc import Callable, Iterator

from stackfold.application.ports.model_deployer import Deployed, ModelDeployer

POLL = 0.5
"""Seconds between two reads of logs that are followed."""


def server_logs(
    deployer: ModelDeployer, deployed: Deployed, is_followed: Callable[[], bool]
) -> Iterator[str]:
    """Read what a server has written, in pieces, the oldest first.

    Args:
        deployer: Reads the logs.
        deployed: The deployment.
        is_followed: Whether to wait for more; called before each read.
    """
    yielded = 0
    while True:
        followed = is_followed()  # before the read, which then includes the last lines
        read = 0
        for piece in deployer.logs(deployed):
            read += len(piece)
            if read > yielded:
                yield piece[max(len(piece) - (read - yielded), 0) :]
        restarted = read < yielded  # a server that starts again begins new logs
        yielded = 0 if restarted else read
        if not followed:
            return
        if not restarted:
            time.sleep(POLL)
