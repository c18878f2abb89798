"""Loopback addresses: hosts that only this machine can reach."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host, as a name or an address, is a loopback interface."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_address(host: str) -> bool:
    """Whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
