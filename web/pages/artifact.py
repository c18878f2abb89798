"""An artifact: what it contains, where it comes from, its versions, and what was made of it."""

import shlex
from typing import NamedTuple

from markupsafe import Markup

from stackfold.application.artifacts.artifact_views import (
    ArtifactAlias,
    ArtifactDescription,
    NamedArtifact,
)
from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import NotFound
from stackfold.web.drawing.graph import Node, draw_graph
from stackfold.web.pages.model_version import version_made_by
from stackfold.web.pages.numbers import whole_number
from stackfold.web.pages.values import Facts, facts
from stackfold.web.pages.visit import Frame, Moved, Visit

MOST_VERSIONS = 14
MOST_ALIASES = 40
MOST_ENTRIES = 30
MOST_STEPS = 40
"""The most steps that are drawn in each direction."""
_LEVELS = 3
_COMPARED = {
    "label": "label",
    "produced as": "output",
    "run": "run",
    "stack": "stack",
    "stack revision": "stack_revision",
    "store": "store",
    "type": "type",
    "stored as": "materializer",
    "bytes": "size",
    "SHA-256": "digest",
}
"""What it is called → the field of a description."""


class Version(NamedTuple):
    """A version that is shown, beside another one or alone."""

    artifact: NamedArtifact
    about: ArtifactDescription
    metadata: Facts


class Difference(NamedTuple):
    """A fact in which two versions differ."""

    name: str
    one: str
    other: str


class LineageGraph(NamedTuple):
    """The steps that an artifact was made by, and those that used it."""

    svg: Markup
    makers: int
    """How many steps it was made by, up to a number."""
    users: int
    """How many steps used it or what was made of it, up to a number."""
    cut: bool
    """Whether there are more steps."""


class ArtifactPage(NamedTuple):
    """The content of the page."""

    frame: Frame
    shown: Version
    other: Version | None
    """The version beside it; None for none."""
    same: bool
    """Whether both have the same bytes."""
    differences: tuple[Difference, ...]
    versions: tuple[NamedArtifact, ...]
    """Newest first."""
    more_versions: int
    aliases: tuple[ArtifactAlias, ...]
    more_aliases: int
    entries: tuple[HistoryEntry, ...]
    """What happened to the aliases, newest first."""
    model_version: str
    """The version of a model that its run makes; empty for none."""
    lineage: LineageGraph

    def aliases_of(self, version: int) -> tuple[str, ...]:
        """The aliases that stand for a version."""
        return tuple(each.alias for each in self.aliases if each.version == version)


def artifact(visit: Visit) -> ArtifactPage | Moved:
    """Read the page of an artifact, or return its own address for a shorter reference.

    Raises:
        NotFound: There is no such artifact, or there was none at the position of the page.
        Invalid: The number of a version is no number.
    """
    reference = visit.names["reference"]
    artifacts = visit.workspace.artifacts
    wanted = visit.query.get("version", "")
    is_number = wanted.isascii() and wanted.isdigit()
    if wanted and "@" in reference:
        whole_number("version", wanted)
    # An output may have got a name of its own later; its versions before are found by number.
    found = artifacts.get(f"{reference}@{wanted}" if wanted and not is_number else reference)
    if found.name != reference and is_number and "@" not in reference:
        found = artifacts.get(f"{reference}@{whole_number('version', wanted)}")
    if found.name != reference:
        is_version = bool(wanted) or "@" in reference or found.view.id.startswith(reference)
        return Moved(f"/artifacts/{found.name}", found.version if is_version else None)
    if wanted and not is_number:
        return Moved(f"/artifacts/{found.name}", found.version)
    versions = [
        each
        for each in artifacts.versions(reference, limit=MOST_VERSIONS, until=visit.as_of)
        if each.name == reference
    ]
    if not versions:
        artifacts.get(reference)  # names others if there is none at all
        raise NotFound("artifact", reference, "its first version was recorded later")
    shown = _version(visit, reference, wanted or str(versions[0].version), versions[0].version)
    other = None
    if chosen := visit.query.get("with", ""):
        other = _version(visit, reference, chosen, versions[0].version)
    aliases = artifacts.aliases(reference, until=visit.as_of)
    name = shlex.quote(shown.artifact.reference)
    commands = [f"stackfold artifact {verb} {name}" for verb in ("show", "describe", "lineage")]
    commands.append(f"stackfold artifact export {name} -o FILE")
    if aliases:
        commands.append(f"stackfold artifact history {shlex.quote(reference)}")
    return ArtifactPage(
        frame=visit.frame(shown.artifact.reference, *commands),
        shown=shown,
        other=other,
        same=other is not None and other.artifact.digest == shown.artifact.digest,
        differences=_differences(shown, other) if other else (),
        versions=tuple(versions),
        more_versions=versions[-1].version - 1 if len(versions) == MOST_VERSIONS else 0,
        aliases=tuple(aliases[:MOST_ALIASES]),
        more_aliases=max(0, len(aliases) - MOST_ALIASES),
        entries=_entries(visit, reference),
        model_version=version_made_by(visit, shown.about.run),
        lineage=_lineage(visit, shown.artifact),
    )


def _entries(visit: Visit, name: str) -> tuple[HistoryEntry, ...]:
    """What happened to the aliases of a name; nothing if it never had one."""
    try:
        return tuple(visit.workspace.artifacts.history(name, MOST_ENTRIES, until=visit.as_of))
    except NotFound:
        return ()


def _version(visit: Visit, name: str, text: str, latest: int) -> Version:
    number = whole_number("version", text)
    if number > latest:
        raise NotFound("artifact", f"{name}@{number}", f"the latest version is {latest}")
    found = visit.workspace.artifacts.get(f"{name}@{number}").view
    about = visit.workspace.artifacts.describe(found.id, count=False)
    if visit.as_of_time:
        recorded = visit.workspace.artifacts.get
        same = about.same_bytes[:MOST_VERSIONS]
        earlier = [each for each in same if recorded(each).view.created <= visit.as_of_time]
        about = about._replace(same_bytes=earlier)
    return Version(found, about, facts(about.metadata))


def _differences(one: Version, other: Version) -> tuple[Difference, ...]:
    """The facts in which two versions differ, that of `one` first."""
    pairs = [
        (name, *(str(getattr(each.about, field)) for each in (one, other)))
        for name, field in _COMPARED.items()
    ]
    metadata = [dict(each.metadata.shown) for each in (one, other)]
    names = dict.fromkeys([*metadata[0], *metadata[1]])
    pairs += [(name, *(each.get(name, "—") for each in metadata)) for name in names]
    return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


def _lineage(visit: Visit, shown: NamedArtifact) -> LineageGraph:
    found = visit.workspace.artifacts.lineage(shown.id, most=MOST_STEPS + 1)
    makers, users = found.upstream[:MOST_STEPS], found.downstream[:MOST_STEPS]
    if visit.as_of_time:
        users = [each for each in users if each.started and each.started <= visit.as_of_time]
    steps = [*reversed(makers), *users]
    made_by = {output: str(at) for at, step in enumerate(steps) for output in step.outputs}
    edges = [
        (made_by[used], str(at))
        for at, step in enumerate(steps)
        for used in step.inputs.values()
        if used in made_by
    ]
    frame = visit.frame("")
    nodes = [
        Node(
            step.step,
            metric=f"{step.run} · rev. {step.stack_revision}",
            link=frame.url(f"/runs/{step.run}", step=step.step),
            title=f"on {step.stack}, by {step.by}",
            focused=shown.reference in step.outputs,
            key=str(at),
        )
        for at, step in enumerate(steps)
    ]
    return LineageGraph(
        svg=Markup(draw_graph(nodes, edges, label=f"Lineage of {shown.reference}")),  # noqa: S704
        makers=len(makers),
        users=len(users),
        cut=len(found.upstream) > MOST_STEPS or len(found.downstream) > MOST_STEPS,
    )
