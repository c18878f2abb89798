"""The processes of model servers, as the system knows them."""

import os
from contextlib import suppress
from pathlib import Path

from stackfold.infrastructure.system import server_process


def members(deployed):
    """The ids of all living processes of a server."""
    found = server_process._listed()
    return {each.pid for each in found if each.group == deployed.reference["pid"] and each.alive}


def listening(pids):
    """Where processes listen, as "address:port" in hexadecimal; see proc_net(5)."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                sockets.add(os.readlink(descriptor))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1])
    return found


LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
"""127.0.0.1, as IPv6 too, and ::1."""
