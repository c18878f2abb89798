"""Flavors, and configurations that do not fit them."""

from collections.abc import Mapping, Sequence

from stackfold.domain.errors.bases import Conflict, Failed, Invalid, NotFound, Unavailable


class UnknownFlavor(NotFound):
    """No flavor of the component type has the name.

    Attributes:
        kind: The component type with "flavor", such as "artifact store flavor".
        reference: The name that was given.
        known: The names of the flavors of this type.
    """

    def __init__(self, kind: str, reference: str, known: Sequence[str]) -> None:
        self.known = tuple(known)
        hint = f"choose one of {', '.join(known)}" if known else "none is available yet"
        super().__init__(kind, reference, hint)


class DuplicateFlavor(Conflict):
    """Several flavors of one type have the same name, so none of them can be used.

    Attributes:
        noun: Their component type, such as "artifact store".
        flavor: Their name.
        origins: The package of each; "own" for a flavor that a user registered.
    """

    def __init__(self, noun: str, flavor: str, origins: Sequence[str]) -> None:
        self.noun, self.flavor, self.origins = noun, flavor, tuple(origins)
        super().__init__(
            f"there are {len(self.origins)} {noun} flavors {flavor!r}, of {', '.join(origins)}: "
            "uninstall a package, or delete the flavor that a user registered"
        )


class InvalidFlavor(Invalid):
    """A class cannot be a flavor.

    Attributes:
        source: The class, as "module.Class".
        problem: What is wrong with it.
    """

    def __init__(self, source: str, problem: str, *, message: str = "") -> None:
        self.source, self.problem = source, problem
        super().__init__(message or f"{source!r} is not a flavor: {problem}")


class FlavorClassNotFound(InvalidFlavor):
    """The class of a flavor that a user registered cannot be found.

    Attributes:
        command: The command of the component type, such as "artifact-store".
        source: The class, as "module.Class".
        problem: That it cannot be found.
    """

    def __init__(self, command: str, source: str) -> None:
        self.command = command
        problem = f"the class {source!r} is not found here"
        message = f"{problem}: register it again in the folder that has it"
        super().__init__(source, problem, message=message)


class NotInstalled(Unavailable):
    """A flavor cannot be used, as packages that it requires are not installed.

    Attributes:
        noun: Its component type, such as "artifact store".
        flavor: Its name.
        integration: The integration that it belongs to.
        requires: The packages, as pip writes them.
    """

    def __init__(self, noun: str, flavor: str, integration: str, requires: Sequence[str]) -> None:
        self.noun, self.flavor = noun, flavor
        self.integration, self.requires = integration, tuple(requires)
        subject = f"the {noun} flavor {flavor!r}"
        problem = f"install the integration {integration!r}"
        if requires:
            problem += f", or pip install {' '.join(map(repr, requires))}"
        super().__init__(subject, problem, message=f"{subject} is not installed: {problem}")


class InstallFailed(Failed):
    """The packages that an integration requires could not be installed.

    Attributes:
        problem: What happened.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"nothing could be installed: {problem}")


class InvalidConfiguration(Invalid):
    """A configuration does not fit the flavor of its component.

    Attributes:
        subject: What is configured, such as "local artifact store".
        problems: Attribute → what is wrong with it; never a secret's value.
    """

    def __init__(self, subject: str, problems: Mapping[str, str]) -> None:
        self.subject, self.problems = subject, dict(problems)
        listed = "; ".join(f"{name}: {what}" for name, what in self.problems.items())
        super().__init__(f"{subject}: {listed}")
