"""Model registries: publish versions of models, and compare a registry with the log."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.unit_of_work import in_change, outside_changes
from stackfold.application.models.queries import ModelQueries
from stackfold.application.models.registry_views import RegistryDifference, RegistryVersionView
from stackfold.application.models.services import RegistryServices
from stackfold.application.notices import publish_notice
from stackfold.application.stacks.queries import StackQueries, StoredComponent
from stackfold.domain.errors import Conflict, NotInStack, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.application.models.models import Models
    from stackfold.application.models.registration import Registration
    from stackfold.application.models.views import ModelView
    from stackfold.application.ports import ModelRegistry

_TYPE = ComponentType.MODEL_REGISTRY


@checked
class ModelRegistries:
    """Publishes versions of models in the model registry of a stack.

    The log comes first: a registry is written after a change was recorded, and is not asked for
    what the log knows. `stack` is the name, id or unique prefix of a stack; None is the active one.
    """

    def __init__(
        self,
        models: "Models",
        queries: ModelQueries,
        stacks: StackQueries,
        services: RegistryServices,
    ) -> None:
        """Create the service.

        Args:
            models: Reads models.
            queries: Reads what was published.
            stacks: Reads stacks.
            services: Creates what is needed to publish, on first use.
        """
        self._models = models
        self._queries = queries
        self._stacks = stacks
        self._services = services

    @outside_changes
    def versions(self, model: str, stack: str | None = None) -> Sequence[RegistryVersionView]:
        """Return the versions that the registry has of a model.

        Args:
            model: The model.
            stack: The stack.

        Raises:
            NotFound: The model or the stack does not exist.
            NotInStack: The stack has no model registry.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        found = self._models.get(model)
        views = self._queries.versions(found)
        component = self._component(stack)
        registry = self._built(component)
        if registry.is_the_log:
            return [
                RegistryVersionView(found.name, each.number, each.aliases, {"version": each.number})
                for each in views
                if each.status in ("completed", "archived")
            ]
        numbers = {each.id: each.number for each in views}
        return [
            RegistryVersionView(found.name, numbers.get(each.id), [*each.aliases], each.reference)
            for each in self._registration(component, registry).versions(found.name)
        ]

    @outside_changes
    def publish(
        self, model: str, version: str | int, stack: str | None = None
    ) -> RegistryVersionView:
        """Publish a version of a model in the registry; a promotion does so by itself.

        Args:
            model: The model.
            version: The version.
            stack: The stack.

        Raises:
            NotFound: The model, the version or the stack does not exist.
            NotInStack: The stack has no model registry.
            Conflict: The run of the version has not completed, or has several outputs.
            ModelRegistryRejected: The registry does not take it.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        found = self._models.version(model, version)
        component = self._component(stack)
        registry = self._built(component)
        reference = (
            {"version": found.number}
            if registry.is_the_log
            else self._registration(component, registry).publish(found)
        )
        return RegistryVersionView(found.model, found.number, found.aliases, reference)

    @outside_changes
    def withdraw(self, model: str, version: str | int, stack: str | None = None) -> None:
        """Remove a version of a model from the registry; the log keeps it.

        Args:
            model: The model.
            version: The version.
            stack: The stack.

        Raises:
            NotFound: The model, the version or the stack does not exist, or it is not published.
            NotInStack: The stack has no model registry.
            Conflict: An alias stands for it, or the registry is the log itself.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        found = self._models.version(model, version)
        component = self._component(stack)
        registry = self._built(component)
        if registry.is_the_log:
            raise Conflict(f"the model registry {component.name!r} is the log: delete the version")
        if found.aliases:
            raise Conflict(
                f"{found.model}@{found.number} is {', '.join(found.aliases)}: promote another "
                "version, or remove the alias first"
            )
        self._registration(component, registry).withdraw(found)

    @outside_changes
    def check(
        self, model: str | None = None, stack: str | None = None
    ) -> Sequence[RegistryDifference]:
        """Return what the log and the registry differ in.

        Versions and aliases that only the registry has are no difference, unless the log had the
        alias before.

        Args:
            model: The model; None for all.
            stack: The stack.

        Raises:
            NotFound: The model or the stack does not exist.
            NotInStack: The stack has no model registry.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        component = self._component(stack)
        registry = self._built(component)
        models = self._wanted(model)
        if registry.is_the_log:
            return []
        registration = self._registration(component, registry)
        return [each for found in models for each in registration.differences(found)]

    @outside_changes
    def sync(
        self, model: str | None = None, stack: str | None = None
    ) -> Sequence[RegistryDifference]:
        """Make the registry equal to the log, and return the differences that there were.

        Args:
            model: The model; None for all.
            stack: The stack.

        Raises:
            NotFound: The model or the stack does not exist.
            NotInStack: The stack has no model registry.
            Conflict: A version cannot be published; all else was done.
            ModelRegistryRejected: The registry does not take a version; all else was done.
            ModelRegistryUnavailable: The registry cannot be reached.
        """
        component = self._component(stack)
        registry = self._built(component)
        models = self._wanted(model)
        if registry.is_the_log:
            return []
        registration = self._registration(component, registry)
        done = [registration.synchronize(found) for found in models]
        for _, problems in done:
            for problem in problems:
                raise problem
        return [each for changed, _ in done for each in changed]

    def follow(self, model: str) -> None:
        """Synchronize a model with the registry of the active stack, after it was changed.

        Does nothing without a registry, or in a unit of work, which is not recorded yet. A problem
        becomes a notice, as the change stays recorded.

        Args:
            model: The id of the model.

        Raises:
            StackfoldError: There is a problem, and the registry is strict.
        """
        if in_change():
            return
        component = self._of_stack(None)
        if component is None:
            return
        strict = False
        try:
            registry = self._built(component)
            strict = registry.strict
            if not registry.is_the_log:
                view = self._queries.model(model)
                _, problems = self._registration(component, registry).synchronize(view)
                for problem in problems:
                    raise problem
        except StackfoldError as error:
            advice = "the log has the change: `stackfold model-registry sync` catches up"
            if strict:
                publish_notice(advice)
                raise
            publish_notice(f"{error}; {advice}")

    # -- private

    def _wanted(self, model: str | None) -> "Sequence[ModelView]":
        return self._models.list() if model is None else [self._models.get(model)]

    def _component(self, stack: str | None) -> StoredComponent:
        """The registry of a stack.

        Raises:
            NotInStack: It has none.
        """
        found = self._of_stack(stack)
        if found is None:
            name = self._stacks.stored_stack(stack).name
            raise NotInStack(name, _TYPE.noun, hint=self._services.rules.lacking(name, _TYPE))
        return found

    def _of_stack(self, stack: str | None) -> StoredComponent | None:
        components = self._stacks.stored_stack(stack).components
        return next((each for each in components if each.type == _TYPE), None)

    def _built(self, component: StoredComponent) -> "ModelRegistry":
        from typing import cast

        from stackfold.application.ports import ModelRegistry

        flavors = self._services.flavors
        built = flavors.build(_TYPE, component.flavor, component.configuration)
        return cast(ModelRegistry, built)

    def _registration(
        self, component: StoredComponent, registry: "ModelRegistry"
    ) -> "Registration":
        from stackfold.application.models.registration import Registration, Sources

        services = self._services
        sources = Sources(
            services.repository,
            self._queries,
            services.artifact_queries,
            services.history,
            services.resolver,
        )
        return Registration(sources, component, registry)
