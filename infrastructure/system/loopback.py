"""Which hosts are this machine, so that no other one can reach what is there."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, by name or by address, is this machine whoever asks."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(host: str) -> bool:
    """Whether a host is given by its IP address, not by a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
