"""The container registry `default`."""

import pytest
from pydantic import ValidationError

from stackfold.infrastructure.flavors.default_container_registry import DefaultContainerRegistry

Configuration = DefaultContainerRegistry.Configuration


def test_it_is_an_address(tmp_path):
    configuration = Configuration(uri="registry.example.com/team")
    assert DefaultContainerRegistry(configuration, tmp_path).uri == "registry.example.com/team"


@pytest.mark.parametrize("given", [{}, {"uri": ""}])
def test_the_address_is_required(given):
    with pytest.raises(ValidationError, match="uri"):
        Configuration(**given)


def test_credentials_are_references():
    configuration = Configuration(uri="r", username="{{team.user}}", password="{{team.token}}")
    assert configuration.password == "{{team.token}}"
    with pytest.raises(ValidationError, match="store it as a secret"):
        Configuration(uri="r", password="hunter2")
