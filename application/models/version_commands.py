"""Version commands: change versions of models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.models.model_reader import ModelReader
from stackfold.application.models.views import ModelVersionView
from stackfold.domain.errors import Conflict

if TYPE_CHECKING:
    from stackfold.domain.models.model_version import ModelVersion


@checked
class VersionCommands(ModelReader):
    """Commands on versions; `Models` adds those on models."""

    def annotate_version(
        self,
        reference: str,
        version: str | int,
        *,
        description: str | None = None,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelVersionView:
        """Change the description and the tags of a version, and add metadata.

        Args:
            reference: The model.
            version: The version.
            description: The new description; None to keep the present one.
            add: Tags to add.
            remove: Tags to remove.
            metadata: Name → JSON value, to add or replace.
            why: The reason.
            expected_revision: The revision of the version that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or it has no such version.
            InvalidTag: A tag is invalid.
            Unrecordable: JSON cannot represent a value.
            NothingToChange: It has all of this already.
            StaleRevision: The version has another revision than the expected one.
        """
        from stackfold.domain.models.model_version import ModelVersion
        from stackfold.domain.runs.metadata import valid_metadata
        from stackfold.domain.runs.tags import valid_tag

        tags = {**{valid_tag(each): False for each in remove}, **{valid_tag(t): True for t in add}}
        values = valid_metadata(metadata or {})
        found = self.version(reference, version)
        self._services.repository.change(
            ModelVersion,
            found.id,
            lambda each: each.annotate(description, tags, values),
            why,
            expected_revision,
        )
        return self.version(reference, found.number)

    def delete_version(
        self,
        reference: str,
        version: str | int,
        *,
        why: str = "",
        expected_revision: int | None = None,
    ) -> ModelVersionView:
        """Delete a version that no alias stands for; its run and artifacts remain.

        Args:
            reference: The model.
            version: The version.
            why: The reason.
            expected_revision: The revision of the version that this was decided on; None for any.

        Raises:
            NotFound: No model matches, or it has no such version.
            Conflict: An alias stands for it.
            StaleRevision: The version has another revision than the expected one.
        """
        from stackfold.domain.models.model import Model
        from stackfold.domain.models.model_version import ModelVersion

        view = self.get(reference)
        found = self._version(view, version, None)

        def command() -> "Sequence[ModelVersion]":
            model = self._services.repository.load(Model, view.id)
            taken = [name for name, at in model.aliases.items() if at.number == found.number]
            if taken:
                raise Conflict(
                    f"{model.name}@{found.number} is {', '.join(taken)}: promote another version, "
                    "or remove the alias first"
                )
            version = self._services.repository.load(ModelVersion, found.id)
            self._services.repository.expect(version, expected_revision)
            version.delete()
            return [version]

        self._services.repository.attempt(command, why, locked=True)
        return found
