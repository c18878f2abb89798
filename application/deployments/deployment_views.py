"""Views of deployments, and the queries that return them."""

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
    """What is served, as "pipeline/step/output@version"."""
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
    """Why it failed, or why nobody can tell how it is; empty if there is nothing."""
    model: str
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
