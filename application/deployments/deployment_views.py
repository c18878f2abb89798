"""Views of deployments, and the queries that return them."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference

OPEN = ("started", "unfinished")
"""The recorded statuses of deployments whose server can be asked how it is."""


class DeploymentView(NamedTuple):
    """A deployment, now or at a point in the past."""

    id: str
    name: str
    status: str
    """As recorded: "unfinished", "started", "failed" or "stopped"; or the state of its server, see
    `application.deployments.deployments.Deployments.list`."""
    model: str
    """What is served, with the largest share, as "pipeline/step/output@version"."""
    version: str
    """The version of a model that this is, such as "fraud@7"; empty if it is none."""
    traffic: Mapping[str, int]
    """Each model that is served → its share of the requests in percent, the largest first."""
    follows: str
    """The alias whose version is served, such as "fraud@production"; empty if it follows none."""
    behind: str
    """How it differs from what it follows, such as "serves 7, production is 8"; otherwise empty."""
    stack: str
    """The stack's name when it was deployed."""
    stack_revision: int
    deployer: str
    """The name of the model deployer, as it was then."""
    flavor: str
    """The model deployer's flavor."""
    url: str
    """Where predictions are asked for; empty if nowhere."""
    revision: int
    created: str
    """RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who recorded this revision."""


class DeploymentDescription(NamedTuple):
    """A deployment with everything that it keeps of what it serves, and what serves it."""

    id: str
    name: str
    status: str
    problem: str
    """Why it or its last update failed, or why nobody can tell how it is; otherwise empty."""
    model: str
    version: str
    traffic: Mapping[str, int]
    follows: str
    behind: str
    update: Mapping[str, int]
    """What an update that was not finished is to serve → its share; empty if there is none."""
    recording: str
    """What is recorded of its requests, such as "10% of requests, for 30 days"; empty if nothing
    is."""
    stack: str
    stack_revision: int
    stack_id: str
    deployer: str
    flavor: str
    url: str
    type: str
    """The model's Python type, as "module.Class"."""
    digest: str
    """sha256 of the model's stored bytes, in hexadecimal."""
    size: int
    """Their length in bytes."""
    uri: str
    """Where they are."""
    store: str
    """The name of the artifact store that holds them."""
    written_with: dict[str, str]
    """"python" and module → the version that wrote it, where another may fail to read it."""
    configuration: dict[str, Any]
    """The model deployer's, as it was; secrets are references."""
    deployer_revision: int
    reference: dict[str, Any] | None
    """What the model deployer finds the server by; None before it was started."""
    revision: int
    created: str
    updated: str
    by: str


class ModelVersionOf(NamedTuple):
    """The version of a model that an artifact belongs to."""

    model: str
    """The id of the model."""
    name: str
    """The name of the model."""
    number: int


class CurrentVersion(NamedTuple):
    """The version that an alias stands for."""

    model: str
    """The id of the model."""
    name: str
    """The name of the model."""
    number: int
    position: int
    """The position of the change since which the alias stands for it."""


class Follower(NamedTuple):
    """A deployment that follows an alias."""

    id: str
    name: str
    status: str
    """The recorded status."""
    model: str
    """The id of the model."""
    alias: str
    because: int
    """The position of the newest promotion that needs no update any more."""
    is_pending: bool
    """Whether an update was not finished."""


class FollowedUp(NamedTuple):
    """What became of a deployment that was behind the alias that it follows."""

    deployment: str
    """Its name."""
    version: str
    """The version that the alias stands for, such as "fraud@8"."""
    outcome: str
    """"updated", "failed", "busy", "not served" or "elsewhere"."""
    problem: str = ""


class DeploymentQueries(Protocol):
    """The questions about deployments; `as_of` is a position in the log, None for now.

    A `reference` is a name, an id or a unique prefix of either.
    """

    def deployments(self, listing: Listing = ALL, as_of: int | None = None) -> list[DeploymentView]:
        """The living deployments, with the status that the log knows."""
        ...

    def deployment(self, reference: str, as_of: int | None = None) -> DeploymentView:
        """One deployment.

        Raises:
            NotFound: There is none.
            Ambiguous: The prefix fits several.
        """
        ...

    def describe_deployment(
        self, reference: str, as_of: int | None = None
    ) -> DeploymentDescription:
        """One deployment with all that it keeps; raises as `deployment`."""
        ...

    def find_deployment(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a deployment; raises as `deployment`."""
        ...

    def version_of(self, artifact: str, run: str, reference: str) -> ModelVersionOf | None:
        """The version of a model that an artifact belongs to; None if it belongs to none.

        Args:
            artifact: The id of the artifact.
            run: The id of the run that made it.
            reference: What it was referred to by, which may be a version.
        """
        ...

    def current_version(self, model: str, alias: str) -> CurrentVersion:
        """The version that an alias of a model stands for.

        Args:
            model: The model, by name, id or a unique prefix of either.
            alias: The alias.

        Raises:
            NotFound: There is no such model, or the alias stands for no version.
        """
        ...

    def followers(self) -> list[Follower]:
        """The deployments that follow an alias."""
        ...

    def pending(self) -> set[str]:
        """The ids of the deployments with an update that was not finished."""
        ...
