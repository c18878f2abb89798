"""Images: what keeps one from being built, or from being pushed."""

from stackfold.domain.errors.refusal import StackfoldError


class BuilderUnavailable(StackfoldError):
    """An image builder cannot do anything here."""

    def __init__(self, builder: str, problem: str) -> None:
        """Say what is wrong with `builder`, such as "the image builder 'local'"."""
        self.builder, self.problem = builder, problem
        super().__init__(f"{builder} cannot be used: {problem}")


class BuildFailed(StackfoldError):
    """An image could not be built."""

    def __init__(self, image: str, problem: str) -> None:
        """Say why there is no `image`."""
        self.image, self.problem = image, problem
        super().__init__(f"the image {image} could not be built: {problem}")


class PushFailed(StackfoldError):
    """An image was built, but its registry did not take it."""

    def __init__(self, image: str, problem: str) -> None:
        """Say why `image` was not pushed."""
        self.image, self.problem = image, problem
        super().__init__(f"the image {image} could not be pushed: {problem}")


class RegistryUnavailable(StackfoldError):
    """A container registry does not answer, or not as one does."""

    def __init__(self, registry: str, problem: str) -> None:
        """Say what is wrong with the `registry` at that address."""
        self.registry, self.problem = registry, problem
        super().__init__(f"the container registry {registry} cannot be used: {problem}")


class RegistryRefuses(StackfoldError):
    """A container registry does not let us in."""

    def __init__(self, registry: str, problem: str) -> None:
        """Say what the `registry` at that address refuses."""
        self.registry, self.problem = registry, problem
        super().__init__(f"the container registry {registry} refuses: {problem}")
