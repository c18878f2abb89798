"""Queries for deployments, in plain SQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stackfold.application.deployments.deployment_views import (
    CurrentVersion,
    DeploymentDescription,
    DeploymentView,
    Follower,
    ModelVersionOf,
)
from stackfold.application.deployments.rows import recorded, title
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import NotFound
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.lookup import find, marks, valid_at
from stackfold.infrastructure.queries.run_rows import parts
from stackfold.infrastructure.queries.text import normal
from stackfold.infrastructure.queries.version_references import find_version

_COLUMNS = {
    field: f"t.{field}" for field in (*DeploymentView._fields, "stack_id") if field != "behind"
}
_READ = [field for field in DeploymentView._fields if field != "behind"]
_SELECT = f"SELECT {', '.join(_COLUMNS[field] for field in _READ)}, t.rollout"
_MORE = "SELECT t.stack_id, t.error, t.artifact, t.store, t.component, t.reference, t.rollout"
_FOLLOWS = _READ.index("follows")


class SqlDeploymentQueries:
    """Implements `DeploymentQueries`."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def deployments(self, listing: Listing = ALL, as_of: int | None = None) -> list[DeploymentView]:
        """The existing deployments that match a listing, with their recorded status."""
        source, parameters = valid_at("deployments", as_of)
        wanted = listing_clauses(listing, _COLUMNS)
        rows = self._database.read(
            f"{_SELECT} {source}{wanted.where}{wanted.tail}", [*parameters, *wanted.parameters]
        )
        return self._views(rows, as_of)

    @one_state
    def deployment(self, reference: str, as_of: int | None = None) -> DeploymentView:
        """The deployment with a name, id or unique prefix."""
        (view,) = self._views([self._row(_SELECT, reference, as_of)], as_of)
        return view

    @one_state
    def describe_deployment(
        self, reference: str, as_of: int | None = None
    ) -> DeploymentDescription:
        """The deployment with a name, id or unique prefix, with all details."""
        view = self.deployment(reference, as_of)
        stack_id, error, *parts = self._row(_MORE, view.id, as_of)
        artifact, store, component, reached_by, rollout = map(cell, parts)
        pending = rollout["pending"]
        return DeploymentDescription(
            **view._asdict(),
            problem=error,
            update=_traffic(pending["releases"]) if pending else {},
            recording=recorded(rollout),
            stack_id=stack_id,
            type=artifact["type"],
            digest=artifact["digest"],
            size=artifact["size"],
            uri=artifact["uri"],
            store=store["name"],
            written_with=artifact["versions"],
            configuration=component["configuration"],
            deployer_revision=component["revision"],
            reference=reached_by,
        )

    def find_deployment(self, reference: str, as_of: int | None = None) -> Reference:
        """The id and name of a deployment."""
        return find(self._database, "deployments", "deployment", "", (), reference, as_of)

    @one_state
    def version_of(self, artifact: str, run: str, reference: str) -> ModelVersionOf | None:
        """The version of a model that an artifact belongs to."""
        rows = self._database.read(
            "SELECT m.id, m.name, v.number, v.id, r.id FROM flows AS f "
            "JOIN runs AS r ON r.id = f.run "
            "JOIN model_versions AS v ON v.id = r.model_version AND v.until IS NULL "
            "JOIN models AS m ON m.id = v.model AND m.until IS NULL "
            "WHERE f.artifact = ? AND f.direction = 'out' ORDER BY r.position",
            [artifact],
        )
        name, _, which = normal(reference).partition("@")
        which = which.partition("/")[0]
        named = None
        if which and any(name == row[1] for row in rows):
            # An output from the cache belongs to several versions.
            named = find_version(self._database, name, which)
        found = (
            [row for row in rows if named and row[3] == named.id]
            or [row for row in rows if row[4] == run]
            or rows
        )
        return ModelVersionOf(*found[0][:3]) if found else None

    @one_state
    def current_version(self, model: str, alias: str) -> CurrentVersion:
        """The version that an alias of a model stands for."""
        id, name = find(self._database, "models", "model", "", (), model, None)
        rows = self._database.read(
            "SELECT since, aliases FROM models WHERE id = ? ORDER BY since DESC", [id]
        )
        position, number = 0, None
        for since, aliases in rows:
            target = cell(aliases).get(alias, {}).get("number")
            if number is None:
                number = target
            if target is None or target != number:
                break
            position = since
        if number is None:
            raise NotFound("alias", alias, f"no version of {name!r} has it")
        return CurrentVersion(id, name, number, position)

    def followers(self) -> list[Follower]:
        """The deployments that follow an alias."""
        rows = self._database.read(
            "SELECT id, name, status, follows, rollout FROM deployments "
            "WHERE until IS NULL AND follows IS NOT NULL ORDER BY name"
        )
        followers = []
        for id, name, status, *cells in rows:
            follows, rollout = map(cell, cells)
            followers.append(
                Follower(
                    id,
                    name,
                    status,
                    follows["model"],
                    follows["alias"],
                    rollout["because"],
                    rollout["pending"] is not None,
                )
            )
        return followers

    def pending(self) -> set[str]:
        """The ids of the deployments with an update that was not finished."""
        rows = self._database.read("SELECT id, rollout FROM deployments WHERE until IS NULL")
        return {id for id, rollout in rows if cell(rollout)["pending"]}

    def _views(self, rows: Sequence[Any], as_of: int | None) -> list[DeploymentView]:
        followed = [cell(row[_FOLLOWS]) for row in rows]
        models = {each["model"] for each in followed if each}
        current: dict[str, dict[str, Any]] = {}
        for part in parts([*models]):
            source, parameters = valid_at("models", as_of)
            found = self._database.read(
                f"SELECT t.id, t.aliases {source} AND t.id IN ({marks(part)})",
                [*parameters, *part],
            )
            current |= {id: cell(aliases) for id, aliases in found}
        return [_view(row, each, current) for row, each in zip(rows, followed, strict=True)]

    def _row(self, select: str, reference: str, as_of: int | None) -> Sequence[Any]:
        source, parameters = valid_at("deployments", as_of)
        id = self.find_deployment(reference, as_of).id
        rows = self._database.read(f"{select} {source} AND t.id = ?", [*parameters, id])
        if not rows:
            raise NotFound("deployment", reference, "it was deleted concurrently")
        return rows[0]  # type: ignore[no-any-return]


def _view(
    row: Sequence[Any],
    follows: Mapping[str, Any] | None,
    current: Mapping[str, Mapping[str, Any]],
) -> DeploymentView:
    *columns, rollout = row
    fields: dict[str, Any] = dict(zip(_READ, columns, strict=True))
    fields["traffic"] = cell(fields["traffic"])
    fields["follows"] = f"{follows['name']}@{follows['alias']}" if follows else ""
    behind = _behind(follows, current, cell(rollout)["releases"]) if follows else ""
    return DeploymentView(**fields, behind=behind)


def _behind(
    follows: Mapping[str, Any],
    current: Mapping[str, Mapping[str, Any]],
    releases: Sequence[Mapping[str, Any]],
) -> str:
    """How what is served differs from what is followed; empty if it does not."""
    target = current.get(follows["model"], {}).get(follows["alias"])
    if target is None:
        return ""
    versions = [each["version"] or {} for each in releases]
    served = [
        each.get("number") if each.get("model") == follows["model"] else None for each in versions
    ]
    if served == [target["number"]]:
        return ""
    known = [
        str(number) if number else each["model"]
        for number, each in zip(served, releases, strict=True)
    ]
    return f"serves {', '.join(known)}, {follows['alias']} is {target['number']}"


def _traffic(releases: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {title(each): each["share"] for each in releases}


def deployments_serving(
    database: Database, model: str, number: int, artifacts: Collection[str], as_of: int | None
) -> list[str]:
    """The names of the deployments that serve a version of a model.

    Args:
        database: Holds the read models.
        model: The id of the model.
        number: The number of the version.
        artifacts: The ids of its artifacts, for deployments that recorded no version.
        as_of: A position; None for now.
    """
    source, parameters = valid_at("deployments", as_of)
    rows = database.read(f"SELECT t.name, t.rollout {source} ORDER BY t.name", parameters)

    def serves(release: Mapping[str, Any]) -> bool:
        version = release["version"]
        if version is None:
            return release["artifact"]["id"] in artifacts
        return (version["model"], version["number"]) == (model, number)

    return [name for name, rollout in rows if any(map(serves, cell(rollout)["releases"]))]


def deployed_artifacts(database: Database) -> list[dict[str, Any]]:
    """The artifacts that deployments serve, are to serve, or can be rolled back to."""
    found: dict[str, dict[str, Any]] = {}
    for id, text in database.read("SELECT id, rollout FROM deployments WHERE until IS NULL"):
        rollout = cell(text)
        for each in (*served_releases(rollout), *former_releases(database, id, rollout)):
            found[each["artifact"]["uri"]] = each["artifact"]
    return [*found.values()]


def served_releases(rollout: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The releases that a deployment serves, or is to serve."""
    return [*rollout["releases"], *(rollout["pending"] or {"releases": []})["releases"]]


def former_releases(
    database: Database, id: str, rollout: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The releases that a deployment can be rolled back to.

    Args:
        database: Holds the read models.
        id: The id of the deployment.
        rollout: What it serves now.
    """
    previous = rollout["previous"]
    if not previous:
        return []
    rows = database.read(
        f"SELECT rollout FROM deployments WHERE id = ? AND revision IN ({marks(previous)})",
        [id, *previous],
    )
    return [release for (text,) in rows for release in cell(text)["releases"]]
