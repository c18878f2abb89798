"""Targets: the versions that the aliases of a model stand for, and those before them."""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Value = TypeVar("Value")

_REMEMBERED = 20
"""The number of earlier versions that an alias can be rolled back to.

Recorded promotions are replayed with it, so another number would change the past.
"""


class Target(BaseModel):
    """The version that an alias stands for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    version: UUID
    number: int
    previous: tuple[int, ...] = ()
    """The numbers of the versions that a rollback goes back to, the next one first."""


def promoted(
    aliases: Mapping[str, Target], alias: str, version: UUID, number: int
) -> dict[str, Target]:
    """The aliases after a promotion: a rollback goes back to the version before."""
    former = aliases.get(alias)
    previous = (former.number, *former.previous)[:_REMEMBERED] if former else ()
    return {**aliases, alias: Target(version=version, number=number, previous=previous)}


def rolled_back(
    aliases: Mapping[str, Target], alias: str, version: UUID, number: int
) -> dict[str, Target]:
    """The aliases after a rollback: another one goes back further."""
    before = aliases[alias].previous
    previous = before[before.index(number) + 1 :]
    return {**aliases, alias: Target(version=version, number=number, previous=previous)}


def without(values: Mapping[str, Value], key: str) -> dict[str, Value]:
    """A copy without a key."""
    return {each: value for each, value in values.items() if each != key}
