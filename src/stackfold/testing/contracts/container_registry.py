"""What every container registry must do."""

import pickle

import pytest

from stackfold.application.ports import ContainerRegistry
from stackfold.domain.errors import RegistryForbidden, RegistryUnavailable


class ContainerRegistryContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    They are `registry`, `stored_image`, `unreachable` and `unauthorized`.
    """

    @pytest.fixture
    def registry(self) -> ContainerRegistry:
        """A registry that responds."""
        raise NotImplementedError("override the fixture 'registry'")

    @pytest.fixture
    def stored_image(self) -> tuple[str, str]:
        """The name of an image that it contains, and its digest."""
        raise NotImplementedError("override the fixture 'stored_image'")

    @pytest.fixture
    def unreachable(self) -> ContainerRegistry:
        """A registry that does not respond."""
        raise NotImplementedError("override the fixture 'unreachable'")

    @pytest.fixture
    def unauthorized(self) -> ContainerRegistry:
        """The registry, with credentials that it does not accept: "ada" and "wrong-password"."""
        raise NotImplementedError("override the fixture 'unauthorized'")

    def test_it_returns_the_digest_of_an_image(
        self, registry: ContainerRegistry, stored_image: tuple[str, str]
    ) -> None:
        name, digest = stored_image
        assert registry.digest(name) == digest

    def test_a_missing_image_has_no_digest(
        self, registry: ContainerRegistry, stored_image: tuple[str, str]
    ) -> None:
        name, _ = stored_image
        assert registry.digest(f"{name}-not") is None
        assert registry.digest(f"{registry.uri}/nothing/here:1") is None

    def test_its_address_begins_the_names_of_its_images(
        self, registry: ContainerRegistry, stored_image: tuple[str, str]
    ) -> None:
        name, _ = stored_image
        assert name.startswith(f"{registry.uri}/")
        assert "://" not in registry.uri

    def test_it_can_be_sent_to_another_process(
        self, registry: ContainerRegistry, stored_image: tuple[str, str]
    ) -> None:
        name, digest = stored_image
        assert pickle.loads(pickle.dumps(registry)).digest(name) == digest

    def test_an_unavailable_registry_is_reported(self, unreachable: ContainerRegistry) -> None:
        with pytest.raises(RegistryUnavailable) as caught:
            unreachable.digest(f"{unreachable.uri}/training:1")
        assert "\n" not in str(caught.value)

    def test_wrong_credentials_are_reported(self, unauthorized: ContainerRegistry) -> None:
        with pytest.raises(RegistryForbidden) as caught:
            unauthorized.digest(f"{unauthorized.uri}/training:1")
        assert "\n" not in str(caught.value)
        assert "wrong-password" not in str(caught.value)

    def test_credentials_do_not_show_themselves(self, unauthorized: ContainerRegistry) -> None:
        assert "wrong-password" not in f"{unauthorized.credentials()!r}{vars(unauthorized)!r}"
        assert b"wrong-password" not in pickle.dumps(unauthorized)
