"""Finds reactions: those of Stackfold, of installed packages, and of a file or module."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from stackfold.application.reactions.reaction import Reaction
from stackfold.domain.errors import InvalidFile, InvalidReaction, NotFound

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "stackfold.reactions"
"""The entry-point group in which packages declare reactions: `NAME = module:NAME`."""

_HERE = "stackfold.infrastructure.reactions"
BUILT_IN = {
    "follow-models": f"{_HERE}.follow_models:FOLLOW_MODELS",
    "resume-deployments": f"{_HERE}.resume_deployments:RESUME_DEPLOYMENTS",
    "start-schedules": f"{_HERE}.start_schedules:START_SCHEDULES",
    "sync-model-registry": f"{_HERE}.sync_model_registry:SYNC_MODEL_REGISTRY",
}
"""Name → where the reaction is."""


def installed_reactions(names: Sequence[str] = ()) -> Sequence[Reaction]:
    """Load the reactions of Stackfold and of installed packages.

    Args:
        names: Only these; empty for all.

    Raises:
        NotFound: There is none of that name.
        InvalidReaction: One cannot be loaded, or two have the same name.
    """
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint | str] = dict(BUILT_IN)
    for point in entry_points(group=ENTRY_POINTS):
        if point.name in found:
            raise InvalidReaction(point.name, _package(point), "has the name of another one")
        found[point.name] = point
    for name in names:
        if name not in found:
            hint = f"installed are {', '.join(sorted(found))}"
            raise NotFound("reaction", name, hint)
    wanted = [*dict.fromkeys(names)] or sorted(found)
    return [_loaded(name, found[name]) for name in wanted]


def reactions_in(source: str) -> Sequence[Reaction]:
    """Import the reactions in a file or module; see `Reactions.load`.

    Raises:
        InvalidFile: There is none, or the module cannot be imported.
    """
    from stackfold.infrastructure.system.pipeline_source import load_module

    location, colon, name = source.rpartition(":")
    if not colon or "/" in name or "\\" in name:  # no colon, or one that belongs to the path
        location, name = source, ""
    if not location.strip():
        raise InvalidFile(repr(source), "names no reactions: write file.py or module:name")
    module = load_module(location)
    members = {key: each for key, each in vars(module).items() if isinstance(each, Reaction)}
    if name and name not in members:
        listed = ", ".join(members) or "none"
        raise InvalidFile(location, f"has no reaction {name!r}; its reactions: {listed}")
    if not members:
        raise InvalidFile(location, "has no reaction: declare one with on(…)")
    return [members[name]] if name else [*dict.fromkeys(members.values())]


def _loaded(name: str, point: "EntryPoint | str") -> Reaction:
    if isinstance(point, str):
        module, _, attribute = point.partition(":")
        reaction: object = getattr(import_module(module), attribute)
        assert isinstance(reaction, Reaction)  # noqa: S101  # it is one of ours
        return reaction
    try:
        reaction = point.load()
    except (Exception, SystemExit) as error:  # a module may raise anything on import
        problem = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidReaction(name, _package(point), f"cannot be imported: {problem}") from error
    if not isinstance(reaction, Reaction):
        problem = "is not a Reaction: declare it with on(…)"
        raise InvalidReaction(name, _package(point), problem)
    if reaction.name != name:
        raise InvalidReaction(name, _package(point), f"is named {reaction.name!r}: use one name")
    return reaction


def _package(point: "EntryPoint") -> str:
    return point.dist.name if point.dist else "unknown"
