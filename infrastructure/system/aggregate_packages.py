"""The aggregates that installed packages declare by entry points."""

import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.application.eventsourcing.aggregate_set import PackagedAggregate

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "stackfold.aggregates"
"""The entry-point group: `<topic> = module:NAME`, of an `AggregateReference` or `AggregateType`."""


class InstalledAggregates:
    """The aggregates of installed packages. Reading the entry points takes time: see `_found`."""

    def aggregates(self) -> Sequence[PackagedAggregate]:
        """The aggregates that packages declare by entry points."""
        return _found()

    def package_of(self, module: str) -> str | None:
        """The name of the distribution that contains a module; None if there is none."""
        return _package_of(module.partition(".")[0])


@cache
def _found() -> tuple[PackagedAggregate, ...]:
    """Read the entry points, once in a process."""
    from importlib.metadata import entry_points

    points = entry_points(group=ENTRY_POINTS)
    # A package that is found twice on the path counts once.
    declared = {(point.name, _distribution(point)): point for point in points}
    times = Counter(topic for topic, _ in declared)
    found = {}
    for (topic, package), point in sorted(declared.items()):
        problem = ""
        if times[topic] > 1:
            both = " and ".join(repr(each) for name, each in sorted(declared) if name == topic)
            problem = f"the packages {both} declare it: uninstall one of them"
        found[topic] = PackagedAggregate(topic, package, point.load, problem)
    return tuple(found.values())


def _distribution(point: "EntryPoint") -> str:
    return str(point.dist.name) if point.dist else "unknown"


@cache
def _package_of(module: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

    try:
        return str(distribution(module).name)
    except (PackageNotFoundError, ValueError):
        pass
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not {"site-packages", "dist-packages"} & {*Path(file).parts}:
        return None
    # It reads the files of every distribution, which takes up to a second.
    return min(packages_distributions().get(module, ()), default=None)


INSTALLED_AGGREGATES = STACKFOLD_AGGREGATES.with_packages(InstalledAggregates())
"""The aggregates of Stackfold, and those of installed packages, which are found when needed."""
