"""ComponentAccess: gives a step the components of its stack, by type and name."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.ports import StackComponent
from stackfold.domain.stacks.component_type import TypeOrName

if TYPE_CHECKING:
    from stackfold.application.ports import (
        Alerter,
        Annotator,
        DataValidator,
        ExperimentTracker,
        FeatureStore,
        ModelDeployer,
        ModelRegistry,
    )


class ComponentAccess(ABC):
    """The components of a stack: those of the run's pin, with their secrets.

    A property returns the default component of its type. All raise as `component`.
    """

    @abstractmethod
    def _component_names(self, type: TypeOrName) -> Sequence[str]: ...

    @abstractmethod
    def _component(self, type: TypeOrName, name: str | None) -> StackComponent: ...

    def component(self, type: TypeOrName, name: str | None = None) -> Any:
        """Return a component of the stack, ready for use where this is called.

        Args:
            type: The component type, such as "alerter". The properties are typed, this is not.
            name: The component's name; None for the default one.

        Raises:
            NoComponent: The stack has none of that type or name.
            NotInstalled: A package that it needs is missing here.
            ComponentUnusable: It could not be sent to the process that executes the step.
            NotInStep: There is no run.
        """
        return self._component(type, name)

    def components(self, type: TypeOrName) -> Mapping[str, Any]:
        """Return the components of a type: name → component, the default one first.

        Args:
            type: The component type.

        Raises:
            NotInstalled: As `component`.
            ComponentUnusable: As `component`.
        """
        return {name: self.component(type, name) for name in self._component_names(type)}

    @property
    def alerter(self) -> "Alerter":
        """The alerter: posts messages to people."""
        found: Alerter = self.component("alerter")
        return found

    @property
    def annotator(self) -> "Annotator":
        """The annotator: has data labelled by people."""
        found: Annotator = self.component("annotator")
        return found

    @property
    def data_validator(self) -> "DataValidator":
        """The data validator: profiles, checks and compares data."""
        found: DataValidator = self.component("data_validator")
        return found

    @property
    def experiment_tracker(self) -> "ExperimentTracker":
        """The experiment tracker; steps record to it by `tracker`."""
        found: ExperimentTracker = self.component("experiment_tracker")
        return found

    @property
    def feature_store(self) -> "FeatureStore":
        """The feature store: features for training and prediction."""
        found: FeatureStore = self.component("feature_store")
        return found

    @property
    def model_deployer(self) -> "ModelDeployer":
        """The model deployer: serves models."""
        found: ModelDeployer = self.component("model_deployer")
        return found

    @property
    def model_registry(self) -> "ModelRegistry":
        """The model registry: shows versions of models to other tools."""
        found: ModelRegistry = self.component("model_registry")
        return found
