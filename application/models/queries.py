"""Queries for models; `infrastructure` answers them by plain SQL."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.application.models.views import ModelVersionView, ModelView, VerdictView
from stackfold.application.runs.metrics import Metric


class Linked(NamedTuple):
    """What is linked to a version by its runs."""

    runs: Sequence[str]
    """The names of the runs that made or continued it."""
    artifacts: Sequence[str]
    """As "pipeline/step/output@version"."""
    inputs: Mapping[str, str]
    """Reference that its run was given → the exact version that it was pinned to."""
    deployments: Sequence[str]
    metadata: Mapping[str, Any]


class VersionPart(NamedTuple):
    """Which versions of a model are wanted."""

    numbers: Sequence[int] | None = None
    """Only these; None for any."""
    below: int | None = None
    """Only smaller numbers than this one."""
    statuses: Sequence[str] = ()
    """Only these; empty for any."""
    limit: int | None = None
    label: str = ""
    """Only the one with this name; empty for any."""


EVERY_VERSION = VersionPart()


class Publishable(NamedTuple):
    """What a model registry needs to know of a version, beyond its view."""

    artifacts: Sequence[tuple[str, Sequence[str]]]
    """The id and the tags of each output of its run."""
    published: Mapping[str, Mapping[str, Any]]
    """The id of a model registry → its name, and what identifies the version there."""
    metadata: Mapping[str, Any]
    """The metadata of its run."""


class ModelQueries(Protocol):
    """The questions about models; `as_of` is a position in the log, None for now.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        ...

    def models(self, listing: Listing = ALL, as_of: int | None = None) -> list[ModelView]:
        """The existing models that match a listing."""
        ...

    def model(self, reference: str, as_of: int | None = None) -> ModelView:
        """One model.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        ...

    def find_model(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a model; raises as `model`."""
        ...

    def versions(
        self, model: ModelView, as_of: int | None = None, part: VersionPart = EVERY_VERSION
    ) -> list[ModelVersionView]:
        """The existing versions of a model, newest first."""
        ...

    def verdicts(
        self, model: str, as_of: int | None = None, limit: int | None = None
    ) -> list[VerdictView]:
        """What gates found about versions of the model with an id, newest first."""
        ...

    def linked(self, version: str, as_of: int | None = None) -> Linked:
        """What is linked to the version with an id."""
        ...

    def publishable(self, version: str) -> Publishable:
        """What a model registry needs to know of the version with an id."""
        ...

    def published(self, model: str, registry: str) -> dict[str, Mapping[str, Any]]:
        """The id of each version of a model that was published in a registry → its reference.

        Args:
            model: The id of the model.
            registry: The id of the component.
        """
        ...

    def metrics(self, versions: Sequence[str]) -> dict[str, list[Metric]]:
        """The id of each version → the metrics of its runs."""
        ...
