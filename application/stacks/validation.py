"""What a stack must hold for its components to work together: one table of rules.

A rule looks at components that were set up but never used: a flavor says of itself what it needs
(`StackComponent.needs`, `is_remote`), so no rule knows a flavor.
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
    """When a stack is looked at."""

    COMPOSED = auto()
    """It is registered, updated or activated: what it is made of must fit. What is installed here,
    and which secrets are here, may be otherwise where it will run."""
    USED = auto()
    """It is to be run on, or somebody asks: here and now it must work."""


class Held(NamedTuple):
    """A component that was set up to be looked at, or why it could not be."""

    member: Member
    component: StackComponent | None
    problem: StackfoldError | None = None


class Facts:
    """What the rules look at."""

    def __init__(
        self, stack: str, held: Sequence[Held], surroundings: "StackRules", registered: bool
    ) -> None:
        """Gather what is known.

        Args:
            stack: The stack's name.
            held: What it is made of.
            surroundings: What is there beside it.
            registered: Whether it is there already, so that it can be updated.
        """
        self.stack = stack
        self.held = held
        self.usable = [(each.member, each.component) for each in held if each.component is not None]
        self.surroundings = surroundings
        self.registered = registered

    def of(self, type: ComponentType) -> Iterator[tuple[Member, StackComponent]]:
        """Those of a type."""
        return ((member, each) for member, each in self.usable if member.type is type)

    def holds(self, type: ComponentType) -> bool:
        """Whether it holds one of a type, whatever is known of it."""
        return any(each.member.type is type for each in self.held)

    def give(
        self, type: ComponentType, suits: Callable[[StackComponent], bool] = lambda _: True
    ) -> str:
        """How the stack gets another component of a type, one that is there if possible."""
        name = self.surroundings.candidate(type, suits)
        first = "" if name else f"register one by `stackfold {type.command} register`, then "
        option = f"--{type.command} {name or 'NAME'}"
        if self.registered:
            return f"{first}run `stackfold stack update {self.stack} {option}`"
        return f"{first}give {option} too"


# -- the rules


def _fits_its_flavor(facts: Facts) -> Iterator[Violation]:
    for member, _, problem in facts.held:
        if problem is None:
            continue
        if isinstance(problem, FlavorClassNotFound):
            command = f"stackfold {problem.command} flavor register {problem.source}"
            fix = f"run `{command}` in the folder that has it"
            yield Violation(f"{member.title}: {problem.problem}", fix)
            continue
        command = f"stackfold {member.type.command}"
        if isinstance(problem, InvalidConfiguration):
            command += f" update {member.name} --{next(iter(problem.problems))}=VALUE"
        else:
            command += " flavor list"
        yield Violation(f"{member.title}: {problem}", f"run `{command}`")


def _holds_what_its_components_need(facts: Facts) -> Iterator[Violation]:
    for member, component in facts.usable:
        for type in component.needs:
            if not facts.holds(type):
                problem = f"{member.title} needs {with_article(type.noun)}"
                yield Violation(problem, facts.give(type))


def _its_store_can_be_reached(facts: Facts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if not component.is_remote or not _executes(member.type):
            continue
        for store, other in facts.of(STORE):
            if not other.is_remote:
                problem = f"{member.title} runs on other machines, which cannot reach {store.title}"
                yield Violation(problem, facts.give(STORE, lambda each: each.is_remote))


def _its_registry_can_be_reached(facts: Facts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if component.is_remote and REGISTRY in component.needs:
            for registry, other in facts.of(REGISTRY):
                if not other.is_remote:
                    problem = f"{member.title} pulls images on other machines, which cannot reach "
                    fix = facts.give(REGISTRY, lambda each: each.is_remote)
                    yield Violation(problem + registry.title, fix)


def _its_packages_are_installed(facts: Facts) -> Iterator[Violation]:
    for member, component in facts.usable:
        if component.has_own_environment:
            continue
        missing = facts.surroundings.flavors.missing(member.type, member.flavor)
        if missing is not None:
            problem = f"the {member.type.noun} flavor {member.flavor!r} is not installed"
            yield Violation(problem, f"run `stackfold integration install {missing.integration}`")


def _its_secrets_are_there(facts: Facts) -> Iterator[Violation]:
    for member, _, _ in facts.held:
        for reference in dict.fromkeys(references(member.configuration)):
            name, key = parts(reference)
            try:
                facts.surroundings.flavors.secrets.value(reference)
            except MissingSecret:
                problem = f"{member.title} needs the secret {name!r} with a key {key!r}"
                verb = "update" if facts.surroundings.flavors.secrets.knows(name) else "create"
                yield Violation(problem, f"run `stackfold secret {verb} {name} --{key}=-`")
            except SecretStoreUnavailable as error:
                yield Violation(f"{member.title}: {error}", "run `stackfold secret list`")


def _executes(type: ComponentType) -> bool:
    return type in {ComponentType.ORCHESTRATOR, ComponentType.STEP_OPERATOR}


class Rule(NamedTuple):
    """Something that must hold."""

    violations: Callable[[Facts], Iterator[Violation]]
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
"""That a stack holds an orchestrator and an artifact store is a rule of the stack itself."""


class StackRules:
    """Asks whether stacks can work."""

    def __init__(self, queries: StackQueries, flavors: Flavors) -> None:
        """Find components by `queries`, and their classes and secrets by `flavors`."""
        self._queries = queries
        self.flavors = flavors

    def violations(
        self, stack: str, members: Sequence[Member], phase: ValidationPhase, registered: bool = True
    ) -> list[Violation]:
        """All that is wrong with a stack.

        Args:
            stack: Its name.
            members: What it is made of.
            phase: Which rules count.
            registered: Whether it is there already.
        """
        held = [self._held(each) for each in members]
        return self._violations(stack, held, phase, registered)

    def _violations(
        self, stack: str, held: Sequence[Held], phase: ValidationPhase, registered: bool
    ) -> list[Violation]:
        facts = Facts(stack, held, self, registered)
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
        held = [self._held(each) for each in members]
        violations = self._violations(stack, held, phase, registered)
        if violations:
            raise InvalidStack(stack, violations)
        return [each.component for each in held if each.component is not None]

    def require_composed(
        self,
        stack: Stack,
        resolved: Mapping[ComponentType, Sequence[StoredComponent]] | None = None,
        registered: bool = True,
    ) -> None:
        """Check that the components of a stack work together; raises as `require`.

        Args:
            stack: The stack.
            resolved: Those of its components that were looked up already.
            registered: Whether the stack exists already.
        """
        known = {each.id: each for group in (resolved or {}).values() for each in group}
        ids = [str(id) for group in stack.components.values() for id in group]
        if unknown := set(ids) - known.keys():
            known |= {each.id: each for each in self._queries.stored_components([*unknown])}
        members = [member(known[id]) for id in ids if id in known]
        self.require(stack.name, members, ValidationPhase.COMPOSED, registered)

    def of_stack(self, stack: StackView, connect: bool = False) -> list[Violation]:
        """What keeps a stack from working here and now.

        Args:
            stack: The stack.
            connect: Whether what its components connect to is asked, too.
        """
        members = [*map(member, self._queries.stack_components(stack.id))]
        found = self.violations(stack.name, members, ValidationPhase.USED)
        if connect:
            held = [self._held(each) for each in members]
            found += unreachable([(m, c) for m, c, _ in held if c is not None])
        return [*dict.fromkeys(found)]

    def lacking(self, stack: str, type: ComponentType) -> str:
        """How a stack that is there gets a component of a type that it does not hold."""
        first = ""
        if stack == "default":  # which is never changed
            first, stack = "run `stackfold stack copy default NEW`, then ", "NEW"
        return first + Facts(stack, (), self, registered=True).give(type)

    def candidate(self, type: ComponentType, suits: Callable[[StackComponent], bool]) -> str:
        """The name of a component that is there and suits; empty if there is none."""
        for view in self._queries.components(type):
            held = self._held(member(view))
            if held.component is not None and suits(held.component):
                return view.name
        return ""

    def _held(self, member: Member) -> Held:
        type, _, flavor, configuration, source = member
        try:
            component = self.flavors.sketch(type, flavor, configuration, source)
        except StackfoldError as error:
            return Held(member, None, error)
        try:
            _ = component.is_remote, component.needs
        except Exception as error:  # these may be properties of somebody else's class
            problem = f"what it needs cannot be told: {error.__class__.__name__}: {error}"
            return Held(member, None, InvalidFlavor(source or flavor, problem))
        return Held(member, component)


def member(view: ComponentView | StoredComponent) -> Member:
    """A component as the rules look at it."""
    return Member(ComponentType(view.type), view.name, view.flavor, view.configuration)
