"""Building images, and pushing them to container registries."""

from stackfold.domain.errors.bases import Failed, Forbidden, Unavailable


class BuildFailed(Failed):
    """An image could not be built.

    Attributes:
        image: Its name.
        problem: What happened.
    """

    def __init__(self, image: str, problem: str) -> None:
        self.image, self.problem = image, problem
        super().__init__(f"the image {image} could not be built: {problem}")


class PushFailed(Failed):
    """An image was built, but could not be pushed.

    Attributes:
        image: Its name.
        problem: What happened.
    """

    def __init__(self, image: str, problem: str) -> None:
        self.image, self.problem = image, problem
        super().__init__(f"the image {image} could not be pushed: {problem}")


class RegistryUnavailable(Unavailable):
    """A container registry does not answer, or its answer is not that of a registry.

    Attributes:
        registry: Its address.
        problem: What happened.
    """

    def __init__(self, registry: str, problem: str) -> None:
        self.registry = registry
        super().__init__(f"the container registry {registry}", problem)


class RegistryForbidden(Forbidden):
    """A container registry rejects the credentials, or does not permit the request.

    Attributes:
        registry: Its address.
        problem: What it rejects, and what to do.
    """

    def __init__(self, registry: str, problem: str) -> None:
        self.registry, self.problem = registry, problem
        super().__init__(f"the container registry {registry} denies access: {problem}")
