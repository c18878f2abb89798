"""The container registry `default`: what is configured of it; `tests/flavors` has a real one."""

import pytest
from pydantic import ValidationError

from stackfold.application.secrets.secrets import StoredSecrets
from stackfold.infrastructure.flavors.containers.default_container_registry import (
    DefaultContainerRegistry,
)
from stackfold.infrastructure.secrets.environment import Environment

Configuration = DefaultContainerRegistry.Configuration


@pytest.fixture
def made(tmp_path):
    def make(**settings):
        registry = DefaultContainerRegistry(Configuration(**settings), tmp_path)
        registry.secrets = StoredSecrets([Environment()])
        return registry

    return make


@pytest.mark.parametrize(
    "uri",
    [
        "registry.example.com/team",
        "registry.example.com:5000",
        "localhost:5000/a/b-c_d",
        "[::1]:5000",
        "team",
        "123456789.dkr.ecr.eu-central-1.amazonaws.com/models",
    ],
)
def test_it_is_an_address(made, uri):
    assert made(uri=uri).uri == uri


def test_a_slash_at_the_end_is_left_out(made):
    assert made(uri="registry.example.com/team/").uri == "registry.example.com/team"


@pytest.mark.parametrize("given", [{}, {"uri": ""}])
def test_the_address_is_required(given):
    with pytest.raises(ValidationError, match="uri"):
        Configuration(**given)


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("https://registry.example.com", "without http"),
        ("ada:hunter2@registry.example.com", "may hold no password"),
        ("registry.example.com/Team", "in small letters"),
        ("registry.example.com/training:1", "must be HOST"),
        ("registry.example.com --all", "must be HOST"),
        ("-v", "must be HOST"),
        ("registry.example.com//team", "must be HOST"),
    ],
)
def test_what_is_no_address_is_refused(uri, problem):
    with pytest.raises(ValidationError, match=problem) as caught:
        Configuration(uri=uri)
    assert "hunter2" not in str(caught.value.errors(include_input=False))


def test_credentials_are_references():
    configuration = Configuration(uri="r", username="{{team.user}}", password="{{team.token}}")
    assert configuration.password == "{{team.token}}"
    with pytest.raises(ValidationError, match="store it as a secret"):
        Configuration(uri="r", password="hunter2")


def test_a_user_without_a_password_is_refused():
    with pytest.raises(ValidationError, match="username is of no use without password"):
        Configuration(uri="r", username="{{team.user}}")


def test_credentials_are_read_from_the_secrets(made, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_TEAM_USER", "ada")
    monkeypatch.setenv("STACKFOLD_SECRET_TEAM_TOKEN", "hunter2")
    found = made(uri="r", username="{{team.user}}", password="{{team.token}}").credentials()
    assert (found.username, found.password) == ("ada", "hunter2")
    assert "hunter2" not in repr(found)
    alone = made(uri="r", password="{{team.token}}").credentials()
    assert (alone.username, alone.password) == ("token", "hunter2")
    assert made(uri="r").credentials() is None


@pytest.mark.parametrize("uri", ["localhost:5000", "127.0.0.1:5000/team", "[::1]:5000"])
def test_one_on_this_machine_is_of_no_use_to_others_and_speaks_plain_http(made, uri):
    registry = made(uri=uri)
    assert (registry.is_remote, registry.is_plain) == (False, True)
    assert not made(uri=uri, insecure=False).is_plain


@pytest.mark.parametrize("uri", ["registry.example.com", "10.0.0.1:5000", "team", "localhost.org"])
def test_any_other_is_reached_by_all_and_speaks_tls_unless_told(made, uri):
    registry = made(uri=uri)
    assert (registry.is_remote, registry.is_plain) == (True, False)
    assert made(uri=uri, insecure=True).is_plain
