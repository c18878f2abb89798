"""Every refusal: what was refused and what to do, in one sentence, with the data behind it."""

from collections.abc import Mapping, Sequence


class StackfoldError(Exception):
    """Something that Stackfold refuses; its text is one line that a user can act on."""


# -- names and look-up


class InvalidName(StackfoldError):
    """A name breaks the rule for names."""

    def __init__(self, kind: str, name: str) -> None:
        """Refuse `name` as the name of a `kind`."""
        self.kind, self.name = kind, name
        super().__init__(
            f"{name!r} cannot name {_with_article(kind)}: use 1 to 64 characters, "
            "a letter or digit first, then letters, digits, '.', '_' or '-'"
        )


class NotFound(StackfoldError):
    """Nothing living answers to a name, an id or a prefix."""

    def __init__(self, kind: str, reference: str, hint: str = "") -> None:
        """Say that no `kind` answers to `reference`, and in `hint` what to do."""
        self.kind, self.reference = kind, reference
        super().__init__(f"there is no {kind} {reference!r}" + (f": {hint}" if hint else ""))


class Ambiguous(StackfoldError):
    """A prefix fits more than one."""

    def __init__(self, kind: str, reference: str, candidates: Sequence[str]) -> None:
        """List the `candidates` that `reference` is a prefix of."""
        self.kind, self.reference, self.candidates = kind, reference, tuple(candidates)
        super().__init__(
            f"{reference!r} fits more than one {kind}: {', '.join(self.candidates)}; "
            "give the whole name or id"
        )


class NameTaken(StackfoldError):
    """The name belongs to another living thing of the same kind."""

    def __init__(self, kind: str, name: str) -> None:
        """Refuse the second `kind` called `name`."""
        self.kind, self.name = kind, name
        super().__init__(
            f"{_with_article(kind)} named {name!r} exists already: choose another name"
        )


# -- rules of stacks and components


class NothingToChange(StackfoldError):
    """A command would leave everything as it is, so nothing was recorded."""

    def __init__(self, kind: str, name: str, revision: int) -> None:
        """Say that `kind` `name` stays at `revision`."""
        self.kind, self.name, self.revision = kind, name, revision
        super().__init__(f"{kind} {name!r} unchanged, revision {revision}")


class AlreadyActive(NothingToChange):
    """The stack that was to be activated is active."""

    def __init__(self, name: str) -> None:
        """Say that the stack `name` is active already."""
        self.kind, self.name = "stack", name
        StackfoldError.__init__(self, f"stack {name!r} is active already")


class Protected(StackfoldError):
    """The default stack and its components stay as they are."""

    def __init__(self, kind: str, name: str, action: str) -> None:
        """Refuse `action`, such as "deleted", on the default `kind`."""
        self.kind, self.name, self.action = kind, name, action
        super().__init__(f"the {kind} {name!r} cannot be {action}: copy it and change the copy")


class NotThereThen(StackfoldError):
    """Something did not exist at a point in the past."""

    def __init__(self, kind: str, name: str, position: int) -> None:
        """Say that `kind` `name` was not there as of `position`."""
        self.kind, self.name, self.position = kind, name, position
        super().__init__(f"{kind} {name!r} was not there as of #{position}: see its history")


class NothingToUndo(StackfoldError):
    """Every change has been taken back already, or none was made."""

    def __init__(self) -> None:
        """Refuse to undo the first use itself."""
        super().__init__("there is no change left to take back")


class NeedsConfirmation(StackfoldError):
    """A change would also reach what was not named."""

    def __init__(self, kind: str, name: str, stacks: Sequence[str]) -> None:
        """Name the other `stacks` that hold `kind` `name`, which would change."""
        self.kind, self.name, self.stacks = kind, name, tuple(stacks)
        super().__init__(
            f"{kind} {name!r} is also used by {', '.join(map(repr, self.stacks))} and would "
            "change there too: confirm with --yes"
        )


class ComponentGone(StackfoldError):
    """A component that an earlier revision of a stack held was deleted."""

    def __init__(self, kind: str, name: str, stack: str, command: str) -> None:
        """Say which component of `stack` is gone, and by which `command` it comes back."""
        self.kind, self.name, self.stack = kind, name, stack
        super().__init__(
            f"{kind} {name!r}, which stack {stack!r} held then, was deleted: run "
            f"`stackfold {command} restore {name}` first, or revert with --with-components"
        )


class NotDeleted(StackfoldError):
    """What was to be restored is there."""

    def __init__(self, kind: str, name: str) -> None:
        """Say that `kind` `name` was not deleted."""
        self.kind, self.name = kind, name
        super().__init__(f"{kind} {name!r} is not deleted: there is nothing to restore")


class InUse(StackfoldError):
    """Something still depends on what was to be deleted."""

    def __init__(self, kind: str, name: str, users: Sequence[str], user_kind: str) -> None:
        """Name the `users` of `kind` `name`, all of them of `user_kind`."""
        self.kind, self.name, self.users, self.user_kind = kind, name, tuple(users), user_kind
        plural = user_kind if len(self.users) == 1 else f"{user_kind}s"
        super().__init__(
            f"{kind} {name!r} is used by {plural} {', '.join(map(repr, self.users))}: "
            "change or delete them first"
        )


class StackActive(StackfoldError):
    """The active stack cannot be deleted."""

    def __init__(self, name: str) -> None:
        """Refuse to delete the stack `name`."""
        self.name = name
        super().__init__(f"stack {name!r} is active: activate another stack first")


class IncompleteStack(StackfoldError):
    """A stack lacks a component that every stack needs."""

    def __init__(self, name: str, missing: Sequence[str]) -> None:
        """Name the `missing` component types of the stack `name`."""
        self.name, self.missing = name, tuple(missing)
        super().__init__(
            f"stack {name!r} needs {' and '.join(_with_article(noun) for noun in self.missing)}"
        )


class TooManyComponents(StackfoldError):
    """A stack may hold one component of most types."""

    def __init__(self, noun: str) -> None:
        """Refuse the second component of the type called `noun`."""
        self.noun = noun
        super().__init__(f"a stack can hold one {noun} only: give it once")


class NotInStack(StackfoldError):
    """The stack does not hold what was named."""

    def __init__(self, stack: str, noun: str, name: str = "") -> None:
        """Say that `stack` holds no component of the type `noun`, or none called `name`."""
        self.stack, self.noun, self.name = stack, noun, name
        super().__init__(f"stack {stack!r} holds no {noun}" + (f" {name!r}" if name else ""))


# -- flavors and configuration


class UnknownFlavor(StackfoldError):
    """No flavor of that type has the name."""

    def __init__(self, noun: str, flavor: str, known: Sequence[str]) -> None:
        """List the `known` flavors of the type called `noun`."""
        self.noun, self.flavor, self.known = noun, flavor, tuple(known)
        allowed = f"choose one of {', '.join(self.known)}" if known else "none is available yet"
        super().__init__(f"there is no {noun} flavor {flavor!r}: {allowed}")


class InvalidFlavor(StackfoldError):
    """A class cannot serve as a flavor."""

    def __init__(self, source: str, problem: str) -> None:
        """Say what is wrong with the class at `source`."""
        self.source, self.problem = source, problem
        super().__init__(f"{source!r} is not a flavor: {problem}")


class FlavorBuiltIn(StackfoldError):
    """A flavor that came with a package cannot be deleted."""

    def __init__(self, noun: str, flavor: str) -> None:
        """Refuse to delete `flavor`."""
        self.noun, self.flavor = noun, flavor
        super().__init__(
            f"the {noun} flavor {flavor!r} comes with a package and cannot be deleted: "
            "uninstall the package instead"
        )


class InvalidConfiguration(StackfoldError):
    """A configuration does not fit its flavor."""

    def __init__(self, subject: str, problems: Mapping[str, str]) -> None:
        """Say per attribute what is wrong with the configuration of `subject`.

        Args:
            subject: What is configured, such as "local artifact store".
            problems: attribute → what is wrong with it; never a secret's value.
        """
        self.subject, self.problems = subject, dict(problems)
        listed = "; ".join(f"{name}: {what}" for name, what in self.problems.items())
        super().__init__(f"{subject}: {listed}")


class UnknownAttribute(StackfoldError):
    """An attribute that is not configured cannot be removed."""

    def __init__(self, name: str, attributes: Sequence[str], known: Sequence[str]) -> None:
        """Name the `attributes` that the component `name` does not have."""
        self.name, self.attributes, self.known = name, tuple(attributes), tuple(known)
        has = f"it has {', '.join(self.known)}" if known else "it has no attributes"
        super().__init__(
            f"{name!r} has no attribute {', '.join(map(repr, self.attributes))}: {has}"
        )


# -- the log


class ChangedMeanwhile(StackfoldError):
    """Somebody else changed the same fields while a command ran."""

    def __init__(self, kind: str, name: str, revision: int, by: str, fields: Sequence[str]) -> None:
        """Say who changed which `fields` in `revision`."""
        self.kind, self.name, self.revision = kind, name, revision
        self.by, self.fields = by, tuple(fields)
        super().__init__(
            f"{kind} {name!r} was changed by {by} meanwhile ({', '.join(self.fields)}, now "
            f"revision {revision}), nothing was recorded: look at it and try again"
        )


class TooBusy(StackfoldError):
    """Others were faster every time."""

    def __init__(self, attempts: int) -> None:
        """Give up after so many lost races."""
        self.attempts = attempts
        super().__init__(
            f"others changed the same things {attempts} times meanwhile, nothing was recorded: "
            "try again"
        )


class LogUnavailable(StackfoldError):
    """The log cannot be read or written: locked, missing, read-only, full or damaged."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is wrong with the log at `place`."""
        self.place, self.problem = place, problem
        super().__init__(f"the log at {place} {problem}")


class InvalidMoment(StackfoldError):
    """A point in the past is written in no known form."""

    def __init__(self, given: str) -> None:
        """Refuse `given`."""
        self.given = given
        super().__init__(
            f"{given!r} is no point in the past: give a position (#123), a time or date "
            "(2026-01-31T12:00:00Z), an age (2h, 3d) or a run (run:ID)"
        )


class InvalidHead(StackfoldError):
    """A head of the log is written wrongly."""

    def __init__(self, given: str) -> None:
        """Refuse `given`."""
        self.given = given
        super().__init__(f"{given!r} is no head: give POSITION:HASH as `log head` prints it")


class OutsideLog(StackfoldError):
    """A point in the past lies before the log began, or after it ends."""

    def __init__(self, given: str, first: str, last: int) -> None:
        """Say that `given` is not between the time `first` and the position `last`."""
        self.given, self.first, self.last = given, first, last
        super().__init__(f"the log holds nothing as of {given}: it goes from {first} to #{last}")


class NoSuchRevision(StackfoldError):
    """A stack or component has no revision of that number."""

    def __init__(self, kind: str, name: str, revision: int, latest: int) -> None:
        """Say that `kind` `name` has revisions 1 to `latest` only."""
        self.kind, self.name, self.revision, self.latest = kind, name, revision, latest
        super().__init__(f"{kind} {name!r} has no revision {revision}: give one from 1 to {latest}")


class Unrecordable(StackfoldError):
    """Something was said that the log cannot keep as it was said."""

    def __init__(self, topic: str, reason: str) -> None:
        """Say why an event of `topic` cannot be stored."""
        self.topic, self.reason = topic, reason
        super().__init__(f"an event {topic!r} cannot be recorded: {reason}")


class LogExists(StackfoldError):
    """A home that should get a log has one."""

    def __init__(self, place: str) -> None:
        """Refuse to replace the log at `place`."""
        self.place = place
        super().__init__(f"there is a log at {place} already: choose an empty home")


class UnreadableEvent(StackfoldError):
    """The log holds an event that this version cannot load."""

    def __init__(self, topic: str, reason: str) -> None:
        """Say why events of `topic` cannot be loaded."""
        self.topic, self.reason = topic, reason
        super().__init__(f"the log holds an event {topic!r} that cannot be loaded: {reason}")


class InvalidListing(StackfoldError):
    """A list was asked for by something that it does not have."""

    def __init__(self, what: str, given: str, known: Sequence[str]) -> None:
        """Say that `given` is no `what`, such as "column", and which are `known`."""
        self.what, self.given, self.known = what, given, tuple(known)
        super().__init__(f"there is no {what} {given!r}: choose one of {', '.join(self.known)}")


class InvalidFile(StackfoldError):
    """A file that was to be read is not what it should be."""

    def __init__(self, path: str, problem: str) -> None:
        """Say what is wrong with the file at `path`."""
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class ProjectExists(StackfoldError):
    """A folder is a project already."""

    def __init__(self, folder: str) -> None:
        """Refuse to make `folder` a project again."""
        self.folder = folder
        super().__init__(f"{folder} is a project already: nothing to do")


# -- pipelines and runs


class InvalidPipeline(StackfoldError):
    """A pipeline's functions do not make a graph that can run."""


class RunFailed(StackfoldError):
    """A run ended without completing; the failing step's exception is its cause."""

    def __init__(self, run: str, step: str, error: str, traceback: str = "") -> None:
        """Say which `step` of `run` failed and how.

        Args:
            run: The run's name.
            step: The step's name; empty if it was not a step that failed.
            error: What was raised, in one line.
            traceback: Where, from the step's function on.
        """
        self.run, self.step, self.error, self.traceback = run, step, error, traceback
        where = f" in step {step!r}" if step else ""
        super().__init__(f"run {run!r} failed{where}: {error}")


class StepProcessDied(StackfoldError):
    """The process that executed a step ended without an answer."""

    def __init__(self, returncode: int) -> None:
        """Say with which `returncode` it ended; negative for a signal."""
        self.returncode = returncode
        how = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        super().__init__(f"the step's process ended with {how} and no result")


class InvalidOutput(StackfoldError):
    """What a step returned is not what it declares, or cannot be stored."""

    def __init__(self, step: str, problem: str) -> None:
        """Say what is wrong with what `step` returned."""
        self.step, self.problem = step, problem
        super().__init__(f"step {step!r} returned {problem}")


class ArtifactStoreUnavailable(StackfoldError):
    """The artifact store cannot be written or read: missing, read-only, full."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is wrong with the store at `place`."""
        self.place, self.problem = place, problem
        super().__init__(f"the artifact store at {place} cannot be used: {problem}")


class UnknownClass(StackfoldError):
    """A stored value is of a class that the program does not have."""

    def __init__(self, name: str) -> None:
        """Say that "module.Class" `name` is not there; it is never imported for the data's sake."""
        self.name = name
        super().__init__(
            f"the stored value is a {name}, which this program does not have: import it, or "
            "annotate the input that takes it"
        )


class ArtifactDamaged(StackfoldError):
    """What the store holds is not what was recorded."""

    def __init__(self, uri: str, problem: str) -> None:
        """Say what is wrong with the artifact at `uri`."""
        self.uri, self.problem = uri, problem
        super().__init__(f"the artifact at {uri} {problem}")


class OutsideStore(StackfoldError):
    """An address leads out of the artifact store."""

    def __init__(self, uri: str, root: str) -> None:
        """Refuse `uri`, which is not inside `root`."""
        self.uri, self.root = uri, root
        super().__init__(f"{uri} is outside the artifact store {root}")


def _with_article(noun: str) -> str:
    """`noun` with its article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
