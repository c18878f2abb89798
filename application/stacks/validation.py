"""Validation: the rules that the components of a stack must satisfy to work together.

Rules inspect built components, but never call their services. A flavor declares what it needs
(`StackComponent.needs`, `is_remote`), so no rule refers to a particular flavor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from stackfold.application.ports import StackComponent
from stackfold.application.stacks.connections import Member, unreachable
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import StackQueries, StoredComponent
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import (
    FlavorClassNotFound,
    InvalidConfiguration,
    InvalidFlavor,
    InvalidStack,
    MissingComponentType,
    MissingSecret,
    SecretStoreUnavailable,
    StackfoldError,
    Violation,
)
from stackfold.domain.errors.wording import with_article
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import parts, references
from stackfold.domain.stacks.stack import Stack

STORE = ComponentType.ARTIFACT_STORE
REGISTRY = ComponentType.CONTAINER_REGISTRY


class ValidationPhase(Enum):
    """When a stack is validated."""

    COMPOSED = auto()
    """It is registered, updated or activated: its components must fit together. Installed packages
    and secrets are not checked, as they may differ on the machine where it will run."""
    USED = auto()
    """A run uses it, or a user checks it: it must work on this machine now."""


class BuiltMember(NamedTuple):
    """A member of a stack with its component, or why that could not be built."""

    member: Member
    component: StackComponent | None
    problem: StackfoldError | None = None


class StackFacts:
    """What the rules inspect."""

    def __init__(
        self, stack: str, members: Sequence[BuiltMember], rules: "StackRules", registered: bool
    ) -> None:
        """Create the facts of a stack.

        Args:
            stack: The stack's name.
            members: Its members.
            rules: Finds other components, flavors and secrets.
            registered: Whether the stack exists already, so that it can be updated.
        """
        self.stack = stack
        self.members = members
        self.usable = [
            (each.member, each.component) for each in members if each.component is not None
        ]
        self.rules = rules
        self.registered = registered

    def of(self, type: ComponentType) -> Iterator[tuple[Member, StackComponent]]:
        """The built components of a type, with their members."""
        return ((member, each) for member, each in self.usable if member.type == type)

    def holds(self, type: ComponentType) -> bool:
        """Whether the stack has a component of a type, built or not."""
        return any(each.member.type == type for each in self.members)

    def fix_by_adding(
        self, type: ComponentType, suits: Callable[[StackComponent], bool] = lambda _: True
    ) -> str:
        """The command that adds a component of a type, an existing one if possible."""
        name = self.rules.candidate(type, suits)
        first = "" if name else f"register one by `stackfold {type.command} register`, then "
        option = f"--{type.command} {name or 'NAME'}"
        if self.registered:
            return f"{first}run `stackfold stack update {self.stack} {option}`"
        return f"{first}give {option} too"


# -- the rules


def _fits_its_flavor(facts: StackFacts) -> Iterator[Violation]:
    for member, _, problem in facts.members:
        if problem is None:
            continue
        if isinstance(problem, FlavorClassNotFound):
            command = f"stackfold {problem.command} flavor register {problem.source}"
            fix = f"run `{command}` in the folder that has it"
            yield Violation(f"{member.title}: {problem.problem}", fix)
            continue
        if isinstance(problem, MissingComponentType):
            package = problem.package
            fix = f"run `pip install {package}`" if package else "install what declares it"
            yield Violation(f"{member.title}: {problem}", fix)
            continue
        command = f"stackfold {member.type.command}"
        if isinstance(problem, InvalidConfiguration):
            command += f" update {member.name} --{next(iter(problem.problems))}=VALUE"
        else:
            command += " flavor list"
        yield Violation(f"{member.title}: {problem}", f"run `{command}`")


def _holds_what_its_components_need(facts: StackFacts) -> Iterator[Violation]:
    for member, component in facts.usable:
        for type in map(ComponentType, component.needs):
            if not facts.holds(type):
                problem = f"{member.title} needs {with_article(type.noun)}"
                yield Violation(problem, facts.fix_by_adding(type))


def _its_store_can_be_reached(facts: StackFacts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if not component.is_remote or not _executes(member.type):
            continue
        for store, other in facts.of(STORE):
            if not other.is_remote:
                problem = f"{member.title} runs on other machines, which cannot reach {store.title}"
                yield Violation(problem, facts.fix_by_adding(STORE, lambda each: each.is_remote))


def _its_registry_can_be_reached(facts: StackFacts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if component.is_remote and REGISTRY in component.needs:
            for registry, other in facts.of(REGISTRY):
                if not other.is_remote:
                    problem = f"{member.title} pulls images on other machines, which cannot reach "
                    fix = facts.fix_by_adding(REGISTRY, lambda each: each.is_remote)
                    yield Violation(problem + registry.title, fix)


def _its_packages_are_installed(facts: StackFacts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if component.has_own_environment:
            continue
        missing = facts.rules.flavors.missing(member.type, member.flavor)
        if missing is not None:
            problem = f"the {member.type.noun} flavor {member.flavor!r} is not installed"
            yield Violation(problem, f"run `stackfold integration install {missing.integration}`")


def _its_secrets_are_there(facts: StackFacts) -> Iterator[Violation]:
    for member, _, _ in facts.members:
        for reference in dict.fromkeys(references(member.configuration)):
            name, key = parts(reference)
            try:
                facts.rules.flavors.secrets.value(reference)
            except MissingSecret:
                problem = f"{member.title} needs the secret {name!r} with a key {key!r}"
                verb = "update" if facts.rules.flavors.secrets.knows(name) else "create"
                yield Violation(problem, f"run `stackfold secret {verb} {name} --{key}=-`")
            except SecretStoreUnavailable as error:
                yield Violation(f"{member.title}: {error}", "run `stackfold secret list`")


def _executes(type: ComponentType) -> bool:
    return type in {ComponentType.ORCHESTRATOR, ComponentType.STEP_OPERATOR}


class Rule(NamedTuple):
    """A rule, and the phases in which it applies."""

    violations: Callable[[StackFacts], Iterator[Violation]]
    when: frozenset[ValidationPhase]


_ALWAYS = frozenset(ValidationPhase)
_ONLY_USED = frozenset({ValidationPhase.USED})

RULES = (
    Rule(_holds_what_its_components_need, _ALWAYS),
    Rule(_its_store_can_be_reached, _ALWAYS),
    Rule(_its_registry_can_be_reached, _ALWAYS),
    Rule(_fits_its_flavor, _ONLY_USED),
    Rule(_its_packages_are_installed, _ONLY_USED),
    Rule(_its_secrets_are_there, _ONLY_USED),
)
"""That a stack has an orchestrator and an artifact store is an invariant of the aggregate Stack."""


class StackRules:
    """Validates stacks."""

    def __init__(self, queries: StackQueries, flavors: Flavors) -> None:
        """Create the service.

        Args:
            queries: Reads stacks and components.
            flavors: Builds components, and reads secrets.
        """
        self._queries = queries
        self.flavors = flavors

    def violations(
        self, stack: str, members: Sequence[Member], phase: ValidationPhase, registered: bool = True
    ) -> list[Violation]:
        """Return all violations of the rules by a stack.

        Args:
            stack: The stack's name.
            members: Its members.
            phase: Selects the rules.
            registered: Whether the stack exists already.
        """
        return self._violations(stack, [*map(self._built, members)], phase, registered)

    def _violations(
        self, stack: str, members: Sequence[BuiltMember], phase: ValidationPhase, registered: bool
    ) -> list[Violation]:
        facts = StackFacts(stack, members, self, registered)
        found = [each for rule in RULES if phase in rule.when for each in rule.violations(facts)]
        return [*dict.fromkeys(found)]

    def require(
        self, stack: str, members: Sequence[Member], phase: ValidationPhase, registered: bool = True
    ) -> list[StackComponent]:
        """Check that the components of a stack work together.

        Returns:
            The components of the members that could be built.

        Raises:
            InvalidStack: Some rules are broken; the error lists all violations.
        """
        built = [*map(self._built, members)]
        violations = self._violations(stack, built, phase, registered)
        if violations:
            raise InvalidStack(stack, violations)
        return [each.component for each in built if each.component is not None]

    def require_composed(
        self,
        stack: Stack,
        resolved: Mapping[ComponentType, Sequence[StoredComponent]] | None = None,
        registered: bool = True,
    ) -> None:
        """Check that the components of a stack work together; raises as `require`.

        Args:
            stack: The stack.
            resolved: Components that the caller has already loaded.
            registered: Whether the stack exists already.
        """
        known = {each.id: each for group in (resolved or {}).values() for each in group}
        ids = [str(id) for group in stack.components.values() for id in group]
        if unknown := set(ids) - known.keys():
            known |= {each.id: each for each in self._queries.stored_components([*unknown])}
        members = [member(known[id]) for id in ids if id in known]
        self.require(stack.name, members, ValidationPhase.COMPOSED, registered)

    def of_stack(self, stack: StackView, connect: bool = False) -> list[Violation]:
        """Return why a stack cannot be used on this machine now.

        Args:
            stack: The stack.
            connect: Whether to check the connections of its components, too.
        """
        members = [*map(member, self._queries.stack_components(stack.id))]
        found = self.violations(stack.name, members, ValidationPhase.USED)
        if connect:
            built = map(self._built, members)
            found += unreachable([(m, c) for m, c, _ in built if c is not None])
        return [*dict.fromkeys(found)]

    def lacking(self, stack: str, type: ComponentType) -> str:
        """The command that adds a component of a missing type to an existing stack."""
        first = ""
        if stack == "default":  # which is never changed
            first, stack = "run `stackfold stack copy default NEW`, then ", "NEW"
        return first + StackFacts(stack, (), self, registered=True).fix_by_adding(type)

    def candidate(self, type: ComponentType, suits: Callable[[StackComponent], bool]) -> str:
        """The name of an existing component that suits; empty if there is none."""
        for view in self._queries.components(type):
            component = self._built(member(view)).component
            if component is not None and suits(component):
                return view.name
        return ""

    def _built(self, member: Member) -> BuiltMember:
        type, _, flavor, configuration, source = member
        try:
            component = self.flavors.sketch(type, flavor, configuration, source)
        except StackfoldError as error:
            return BuiltMember(member, None, error)
        try:
            _ = component.is_remote, [*map(ComponentType, component.needs)]
        except Exception as error:  # a custom flavor may compute them
            problem = f"`is_remote` or `needs` raised {error.__class__.__name__}: {error}"
            return BuiltMember(member, None, InvalidFlavor(source or flavor, problem))
        return BuiltMember(member, component)


def member(view: ComponentView | StoredComponent) -> Member:
    """Convert a component to a member."""
    return Member(ComponentType(view.type), view.name, view.flavor, view.configuration)
