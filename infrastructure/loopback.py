"""Which hosts are this machine, so that no other one can reach what is there."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, by name or by address, is this machine whoever asks."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
