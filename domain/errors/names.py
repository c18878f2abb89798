"""Names, and looking things up by them."""

from collections.abc import Sequence

from stackfold.domain.errors.refusal import StackfoldError, with_article


class InvalidName(StackfoldError):
    """A name breaks the rule for names."""

    def __init__(self, kind: str, name: str) -> None:
        """Refuse `name` as the name of a `kind`."""
        self.kind, self.name = kind, name
        super().__init__(
            f"{name!r:.200} cannot name {with_article(kind)}: use 1 to 64 characters, "
            "a letter or digit first, then letters, digits, '.', '_' or '-'"
        )


class InvalidTag(StackfoldError):
    """A tag breaks the rule for tags."""

    def __init__(self, tag: str) -> None:
        """Refuse `tag`."""
        self.tag = tag
        super().__init__(
            f"{tag!r:.200} cannot be a tag: use 1 to 64 characters, "
            "a letter or digit first, then letters, digits and any of . _ - : = / @ +"
        )


class NotFound(StackfoldError):
    """Nothing living answers to a name, an id or a prefix."""

    def __init__(self, kind: str, reference: str, hint: str = "") -> None:
        """Say that no `kind` answers to `reference`, and in `hint` what to do."""
        self.kind, self.reference = kind, reference
        super().__init__(f"there is no {kind} {reference!r:.200}" + (f": {hint}" if hint else ""))


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

    def __init__(self, kind: str, name: str, hint: str = "choose another name") -> None:
        """Refuse the second `kind` called `name`, and say in `hint` what would work."""
        self.kind, self.name = kind, name
        super().__init__(f"{with_article(kind)} named {name!r} exists already: {hint}")


class InvalidListing(StackfoldError):
    """A list was asked for by something that it does not have."""

    def __init__(self, what: str, given: str, known: Sequence[str]) -> None:
        """Say that `given` is no `what`, such as "column", and which are `known`."""
        self.what, self.given, self.known = what, given, tuple(known)
        super().__init__(f"there is no {what} {given!r}: choose one of {', '.join(self.known)}")
