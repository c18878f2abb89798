"""Names, tags, and looking things up by them."""

from collections.abc import Sequence

from stackfold.domain.errors.bases import Conflict, Invalid, NotFound
from stackfold.domain.errors.wording import with_article


class InvalidName(Invalid):
    """A name breaks the rule for names.

    Attributes:
        kind: What was to be named, such as "stack".
        name: The name.
        rule: The rule; by default that for all names.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        rule: str = "use 1 to 64 characters, a letter or digit first, then letters, digits, '.', "
        "'_' or '-'",
    ) -> None:
        self.kind, self.name, self.rule = kind, name, rule
        super().__init__(f"{name!r:.200} cannot name {with_article(kind)}: {rule}")


class InvalidActor(Invalid):
    """The text that says who acts, or a correlation id, breaks the rule for them.

    Attributes:
        what: "actor" or "correlation id".
        text: What was given.
    """

    def __init__(self, what: str, text: object) -> None:
        self.what, self.text = what, text
        super().__init__(
            f"{text!r:.200} cannot be the {what}: use 1 to 255 characters without control "
            "characters"
        )


class InvalidComponentType(Invalid):
    """A declared component type cannot be used.

    Attributes:
        name: Its name.
        problem: What is wrong with it.
    """

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = str(name), problem
        super().__init__(f"{self.name!r:.200} cannot be a component type: {problem}")


class UnknownComponentType(NotFound):
    """No component type has the name.

    Attributes:
        kind: "component type".
        reference: The name that was given.
        known: The names of the component types.
    """

    def __init__(self, reference: str, known: Sequence[str], *, message: str = "") -> None:
        self.known = tuple(known)
        hint = f"choose one of {', '.join(known)}"
        super().__init__("component type", str(reference), hint, message=message)


class MissingComponentType(UnknownComponentType):
    """The log has components of a type that nothing declares in this process.

    Attributes:
        kind: "component type".
        reference: The name of the type.
        known: The names of the component types that are declared.
        package: The distribution that declared it; empty if that is unknown.
    """

    def __init__(self, reference: str, known: Sequence[str], package: str) -> None:
        self.package = package
        fix = (
            f"the package {package!r} declares it: install it"
            if package
            else "install the package that declares it, or give it to Workspace.open as one of "
            "component_types"
        )
        message = f"the component type {str(reference)!r} is not declared here: {fix}"
        super().__init__(reference, known, message=message)


class InvalidTag(Invalid):
    """A tag breaks the rule for tags.

    Attributes:
        tag: The tag.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        super().__init__(
            f"{tag!r:.200} cannot be a tag: use 1 to 64 characters, "
            "a letter or digit first, then letters, digits and any of . _ - : = / @ +"
        )


class Ambiguous(Invalid):
    """A prefix fits more than one name or id.

    Attributes:
        kind: What was looked up, such as "stack".
        reference: The prefix.
        candidates: The names or ids that it fits.
    """

    def __init__(self, kind: str, reference: str, candidates: Sequence[str]) -> None:
        self.kind, self.reference, self.candidates = kind, reference, tuple(candidates)
        super().__init__(
            f"{reference!r} fits more than one {kind}: {', '.join(self.candidates)}; "
            "give the whole name or id"
        )


class NameTaken(Conflict):
    """Another thing of the same kind has the name.

    Attributes:
        kind: What was to be named, such as "stack".
        name: The name.
        hint: What to do.
    """

    def __init__(self, kind: str, name: str, hint: str = "choose another name") -> None:
        self.kind, self.name, self.hint = kind, name, hint
        super().__init__(f"{with_article(kind)} named {name!r} exists already: {hint}")


class ImportNameTaken(NameTaken):
    """An imported stack has the name of an existing one.

    Attributes:
        kind: What was to be imported, such as "stack".
        name: The name.
        hint: What to do.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name, "give another name, or rename the imported one")


class InvalidListing(Invalid):
    """A list cannot be filtered, sorted or shown by what was given.

    Attributes:
        what: What was given, such as "column".
        given: Its value.
        known: The valid values.
    """

    def __init__(self, what: str, given: str, known: Sequence[str]) -> None:
        self.what, self.given, self.known = what, given, tuple(known)
        super().__init__(f"there is no {what} {given!r}: choose one of {', '.join(self.known)}")
