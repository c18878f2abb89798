"""The names of images and registries."""

import pytest

from stackfold.infrastructure.flavors.containers.image_names import (
    host_of,
    path_and_tag,
    repository,
)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("registry.example.com/team/training:1", "registry.example.com"),
        ("registry.example.com:5000/training", "registry.example.com:5000"),
        ("localhost/training:1", "localhost"),
        ("localhost:5000/training:1", "localhost:5000"),
        ("[::1]:5000/training:1", "[::1]:5000"),
        ("team/training:1", "docker.io"),
        ("team", "docker.io"),
    ],
)
def test_a_name_begins_with_its_registry_or_docker_hub_is_meant(name, host):
    assert host_of(name) == host


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("registry.example.com:5000/team/training:1", ("team/training", "1")),
        ("registry.example.com/training:ab12", ("training", "ab12")),
        ("team/training:1", ("team/training", "1")),
        ("docker.io/python:3", ("library/python", "3")),
    ],
)
def test_the_rest_is_a_path_and_a_tag(name, parts):
    assert path_and_tag(name) == parts


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        ("training", "hub/training"),
        ("Nightly Training_2", "hub/nightly-training-2"),
        ("größe", "hub/gr-e"),
        ("---", "hub/pipeline"),
    ],
)
def test_a_pipeline_has_a_name_that_registries_allow(pipeline, name):
    assert repository("hub", pipeline) == name
