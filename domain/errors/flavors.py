"""Flavors, and configurations that do not fit them."""

from collections.abc import Mapping, Sequence

from stackfold.domain.errors.refusal import StackfoldError


class UnknownFlavor(StackfoldError):
    """No flavor of that type has the name."""

    def __init__(self, noun: str, flavor: str, known: Sequence[str]) -> None:
        """List the `known` flavors of the type called `noun`."""
        self.noun, self.flavor, self.known = noun, flavor, tuple(known)
        allowed = f"choose one of {', '.join(self.known)}" if known else "none is available yet"
        super().__init__(f"there is no {noun} flavor {flavor!r}: {allowed}")


class DuplicateFlavor(StackfoldError):
    """Several flavors of one type have the same name, so that none of them can be used."""

    def __init__(self, noun: str, flavor: str, origins: Sequence[str]) -> None:
        """Name where they come from.

        Args:
            noun: What their type is called.
            flavor: Their name.
            origins: The package of each, or "own" for one that a user registered.
        """
        self.noun, self.flavor, self.origins = noun, flavor, tuple(origins)
        super().__init__(
            f"there are {len(self.origins)} {noun} flavors {flavor!r}, of {', '.join(origins)}: "
            "uninstall a package, or delete a flavor of your own"
        )


class InvalidFlavor(StackfoldError):
    """A class cannot serve as a flavor."""

    def __init__(self, source: str, problem: str) -> None:
        """Say what is wrong with the class at `source`."""
        self.source, self.problem = source, problem
        super().__init__(f"{source!r} is not a flavor: {problem}")


class FlavorClassNotFound(InvalidFlavor):
    """The module of a user's own flavor is in none of the places where it is looked for."""

    def __init__(self, command: str, source: str) -> None:
        """Say where to look, and how to make its folder known.

        Args:
            command: The command of the flavor's type, such as "artifact-store".
            source: The class, as "module.Class".
        """
        self.fix = f"run `stackfold {command} flavor register {source}` in the folder that has it"
        super().__init__(source, f"the class {source!r} is not found here")
        self.args = (f"{self.problem}: {self.fix}",)


class NotInstalled(StackfoldError):
    """A flavor cannot be used, as what it requires is not installed."""

    def __init__(self, noun: str, flavor: str, integration: str, requires: Sequence[str]) -> None:
        """Say how to get what `flavor` of the type called `noun` requires."""
        self.noun, self.flavor = noun, flavor
        self.integration, self.requires = integration, tuple(requires)
        packages = " ".join(map(repr, self.requires))
        super().__init__(
            f"the {noun} flavor {flavor!r} is not installed: run `stackfold integration install "
            f"{integration}`" + (f", or pip install {packages}" if packages else "")
        )


class InstallFailed(StackfoldError):
    """What an integration requires could not be installed."""

    def __init__(self, problem: str) -> None:
        """Say why."""
        self.problem = problem
        super().__init__(f"nothing could be installed: {problem}")


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
