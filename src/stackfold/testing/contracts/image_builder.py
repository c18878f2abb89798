"""What every image builder must do."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from stackfold.application.ports import ContainerRegistry, ImageBuilder, ImagePlan
from stackfold.domain.errors import BuildFailed, RegistryForbidden, RegistryUnavailable

TRAIN = "def training(): ...\n"


class ImageBuilderContract:
    """Derive a class whose name begins with `Test`, and override the fixtures that raise here."""

    @pytest.fixture
    def code(self, tmp_path: Path) -> Path:
        """A folder with a pipeline, and with files that must not be in an image."""
        folder = tmp_path / "code"
        (folder / "steps").mkdir(parents=True)
        (folder / "train.py").write_text(TRAIN)
        (folder / "steps" / "größe.py").write_text("SIZE = 1\n")
        (folder / ".env").write_text("PASSWORD=hunter2\n")
        (folder / ".git").mkdir()
        (folder / ".git" / "config").write_text("[core]\n")
        return folder

    @pytest.fixture
    def plan(self, code: Path) -> ImagePlan:
        return ImagePlan("Training 2", code, "train.py:training", ("stackfold[s3]", "pandas>=2"))

    @pytest.fixture
    def builder(self) -> ImageBuilder:
        """A builder that is ready."""
        raise NotImplementedError("override the fixture 'builder'")

    @pytest.fixture
    def broken(self) -> tuple[ImageBuilder, str]:
        """A builder of which every build fails, and what is wrong then."""
        raise NotImplementedError("override the fixture 'broken'")

    @pytest.fixture
    def registry(self) -> ContainerRegistry:
        """An empty registry, or a part of one."""
        raise NotImplementedError("override the fixture 'registry'")

    @pytest.fixture
    def unreachable(self) -> ContainerRegistry:
        """A registry that does not respond."""
        raise NotImplementedError("override the fixture 'unreachable'")

    @pytest.fixture
    def unauthorized(self) -> ContainerRegistry:
        """A registry that does not accept the credentials."""
        raise NotImplementedError("override the fixture 'unauthorized'")

    @pytest.fixture
    def files(self) -> Callable[[str], dict[str, str]]:
        """A function from an image's name to the code in it: path → content."""
        raise NotImplementedError("override the fixture 'files'")

    def test_the_image_is_in_the_registry(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        image = builder.build(plan, registry)
        assert image.name.startswith(f"{registry.uri}/training-2:")
        assert registry.digest(image.name) == image.digest
        assert (image.is_pushed, image.is_new) == (True, True)

    def test_nobody_can_change_what_its_reference_stands_for(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        image = builder.build(plan, registry)
        assert image.reference == f"{registry.uri}/training-2@{image.digest}"

    def test_it_contains_the_code_but_no_secrets(
        self,
        builder: ImageBuilder,
        plan: ImagePlan,
        registry: ContainerRegistry,
        files: Callable[[str], dict[str, str]],
    ) -> None:
        image = builder.build(plan, registry)
        assert files(image.reference) == {"train.py": TRAIN, "steps/größe.py": "SIZE = 1\n"}

    def test_it_has_the_name_of_the_recipe(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        recipe = builder.recipe(plan, registry)
        assert registry.digest(recipe.name) is None  # nothing was built for it
        assert builder.build(plan, registry).name == recipe.name

    def test_the_recipe_contacts_no_service(
        self, builder: ImageBuilder, plan: ImagePlan, unreachable: ContainerRegistry
    ) -> None:
        assert builder.recipe(plan, unreachable).files == ("steps/größe.py", "train.py")

    def test_the_recipe_names_what_is_installed(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        first, second = builder.recipe(plan, registry).requirements.splitlines()[:2]
        assert first.startswith("stackfold[s3]")
        assert second == "pandas>=2"

    def test_an_existing_image_is_not_rebuilt(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        image = builder.build(plan, registry)
        assert builder.build(plan, registry) == image._replace(is_new=False)

    def test_an_existing_image_is_rebuilt_on_request(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        image = builder.build(plan, registry)
        again = builder.build(plan, registry, rebuild=True)
        assert (again.name, again.is_new) == (image.name, True)

    def test_other_code_is_another_image(
        self,
        builder: ImageBuilder,
        plan: ImagePlan,
        registry: ContainerRegistry,
        code: Path,
        files: Callable[[str], dict[str, str]],
    ) -> None:
        before = builder.build(plan, registry)
        (code / "train.py").write_text("def training(): 'other'\n")
        after = builder.build(plan, registry)
        assert after.is_new
        assert after.name != before.name
        assert files(before.reference)["train.py"] == TRAIN
        assert files(after.reference)["train.py"] == "def training(): 'other'\n"

    def test_other_requirements_are_another_image(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        other = plan._replace(requirements=("stackfold",))
        assert builder.recipe(other, registry).name != builder.recipe(plan, registry).name

    def test_without_a_registry_it_stays_where_it_was_built(
        self, builder: ImageBuilder, plan: ImagePlan
    ) -> None:
        image = builder.build(plan, None)
        assert not image.is_pushed
        assert image.reference == image.name
        assert image.digest.startswith("sha256:")
        assert builder.build(plan, None) == image._replace(is_new=False)

    def test_a_build_that_fails_says_why(
        self, broken: tuple[ImageBuilder, str], plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        builder, problem = broken
        with pytest.raises(BuildFailed) as caught:
            builder.build(plan, registry)
        assert problem in str(caught.value)
        assert "\n" not in str(caught.value)
        assert registry.digest(builder.recipe(plan, registry).name) is None

    def test_an_unavailable_registry_stops_the_build(
        self, builder: ImageBuilder, plan: ImagePlan, unreachable: ContainerRegistry
    ) -> None:
        with pytest.raises(RegistryUnavailable) as caught:
            builder.build(plan, unreachable)
        assert "\n" not in str(caught.value)

    def test_wrong_credentials_are_reported(
        self, builder: ImageBuilder, plan: ImagePlan, unauthorized: ContainerRegistry
    ) -> None:
        with pytest.raises(RegistryForbidden) as caught:
            builder.build(plan, unauthorized)
        assert "\n" not in str(caught.value)
        assert "wrong-password" not in str(caught.value)

    def test_a_builder_can_travel_to_another_process(
        self, builder: ImageBuilder, plan: ImagePlan, registry: ContainerRegistry
    ) -> None:
        traveller = pickle.loads(pickle.dumps(builder))
        assert traveller.recipe(plan, registry) == builder.recipe(plan, registry)
