"""The policies that this process has: those of installed packages, and those of the program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.application.policies.policy import Policy
from stackfold.application.policies.queries import Candidate
from stackfold.domain.errors import InvalidName, InvalidPolicy
from stackfold.domain.name import valid_name
from stackfold.infrastructure.system.environment import normal

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "stackfold.policies"
"""The entry-point group in which packages provide policies: `<name> = module:NAME`."""


class InstalledPolicies:
    """Implements `AvailablePolicies`."""

    def __init__(self, declared: Sequence[Policy] = ()) -> None:
        """Collect the policies of the program.

        Args:
            declared: They take precedence over those of packages.

        Raises:
            InvalidPolicy: One is no `Policy`, or two have the same name.
        """
        self._declared: dict[str, Policy] = {}
        self._loaded: dict[Candidate, Policy] = {}
        if not isinstance(declared, list | tuple):
            raise InvalidPolicy(repr(declared), "give a list of policies")
        for each in declared:
            if not isinstance(each, Policy):
                raise InvalidPolicy(repr(each), "give a Policy: decorate the function with @policy")
            if each.name in self._declared:
                raise InvalidPolicy(each.name, "two policies have this name: rename one")
            self._declared[each.name] = each

    def candidates(self) -> Sequence[Candidate]:
        """All policies by name; imports none."""
        found = [_declared(each) for each in self._declared.values()]
        found += [each for each in _of_packages() if each.name not in self._declared]
        return sorted(found, key=lambda each: (each.name, each.package or ""))

    def find(self, name: str, package: str | None = None) -> Candidate | None:
        """The candidate of a name; see `AvailablePolicies.find`."""
        if name in self._declared:
            return _declared(self._declared[name])
        found = [each for each in _of_packages() if each.name == name]
        if package is not None:
            found = [each for each in found if normal(each.package or "") == normal(package)]
        if len(found) > 1:
            packages = " and ".join(str(each.package) for each in found)
            raise InvalidPolicy(name, f"{packages} provide it: uninstall all but one")
        return found[0] if found else None

    def load(self, candidate: Candidate) -> Policy:
        """Import a candidate; see `AvailablePolicies.load`."""
        if candidate.package is None:
            return self._declared[candidate.name]
        if candidate not in self._loaded:
            self._loaded[candidate] = _imported(candidate)
        return self._loaded[candidate]


def _declared(policy: Policy) -> Candidate:
    return Candidate(policy.name, None, None, policy.source)


def _of_packages() -> list[Candidate]:
    """The policies of installed packages; those without a valid name cannot be enabled."""
    from importlib.metadata import entry_points

    return [
        Candidate(
            point.name, _package(point), point.dist.version if point.dist else "", point.value
        )
        for point in entry_points(group=ENTRY_POINTS)
        if _is_name(point.name)
    ]


def _package(point: "EntryPoint") -> str:
    return str(point.dist.name) if point.dist else "unknown"


def _is_name(name: str) -> bool:
    try:
        return valid_name("policy", name) == name
    except InvalidName:
        return False


def _imported(candidate: Candidate) -> Policy:
    from importlib.metadata import EntryPoint

    try:
        found = EntryPoint(candidate.name, candidate.source, ENTRY_POINTS).load()
    except (Exception, SystemExit) as error:
        # A module may raise anything on import. Its text may contain secrets.
        problem = f"importing {candidate.source} raised {type(error).__name__}"
        raise InvalidPolicy(candidate.name, problem) from error
    if not isinstance(found, Policy):
        problem = f"{candidate.source} is no Policy: decorate the function with @policy"
        raise InvalidPolicy(candidate.name, problem)
    if found.name != candidate.name:
        problem = f"{candidate.source} has the name {found.name!r}: give the entry point that name"
        raise InvalidPolicy(candidate.name, problem)
    return found
