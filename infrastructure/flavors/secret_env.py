"""Sends secrets along with a step to a cluster that cannot read the secret store.

They are sent beside the step: never in an environment, which is inherited and shown by many tools,
and never in data that the cluster stores.
"""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stackfold.application.runs.step_call import StepCall
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import parts, references
from stackfold.infrastructure.secrets.environment import add_values

Values = Mapping[tuple[str, str], str]
"""Name and key → value."""

_EXECUTING = {ComponentType.ORCHESTRATOR, ComponentType.STEP_OPERATOR}
"""Component types that are not used while a step is executed."""


@dataclass(frozen=True, slots=True)
class CallWithSecrets:
    """A call with the secrets that it may read in the process that executes it."""

    request: bytes
    """The call, pickled by `local.processes.portable`."""
    values: Values = field(repr=False)

    def __call__(self) -> object:
        """Provide the secrets and execute the call; raises what the call raises."""
        add_values(self.values)
        return pickle.loads(self.request)()  # noqa: S301  # written by who started the run


def secrets_of(call: Callable[[], object]) -> Values:
    """Return the secrets that the components of a step refer to.

    Raises:
        MissingSecret: A secret does not exist.
        SecretStoreUnavailable: Its store cannot be read.
    """
    if not isinstance(call, StepCall) or call.store.secrets is None:
        return {}
    return {
        parts(reference): call.store.secrets.value(reference)
        for type, components in call.run.pin.components.items()
        for component in components
        if type not in _EXECUTING
        for reference in references(component.configuration)
    }
