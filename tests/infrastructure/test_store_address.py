"""Addresses of shared logs that only this machine can reach, so that pods cannot."""

import pytest

from stackfold.infrastructure.system.database_url import only_on_loopback


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada@localhost/team",
        "postgresql://ada@127.0.0.1:5432/team",
        "postgresql://ada@[::1]:5432/team",
        "postgresql://ada@[::1]/team",
        "postgresql:///team",
        "postgresql:///team?host=/run/postgresql",
        "postgresql:///team?host=localhost",
    ],
)
def test_only_this_machine_can_reach_the_address(url):
    assert only_on_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada@db.example.com/team",
        "postgresql://ada@[2001:db8::1]:5432/team",
        "postgresql://ada@localhost,db.example.com/team",
        "postgresql:///team?host=db.example.com",
        "postgresql:///?service=team",
    ],
)
def test_other_machines_may_reach_the_address(url):
    assert not only_on_loopback(url)
