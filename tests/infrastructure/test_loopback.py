"""Which hosts are this machine."""

import pytest

from stackfold.infrastructure.system.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.8.7", "::1", "[::1]"])
def test_what_only_this_machine_reaches(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "10.0.0.1", "127.org", "0.0.0.0", "::", ""])
def test_what_others_reach(host):
    assert not is_loopback(host)
