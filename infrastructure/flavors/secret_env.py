"""Secrets that travel with a step, as those of its cluster know none of ours.

They are handed over beside the step: never in an environment, which is inherited, and shown by many
a tool, and never in what the cluster keeps on its own account.
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
"""What has done its part when a step begins."""


@dataclass(frozen=True, slots=True)
class CallWithSecrets:
    """A call that can look up secrets in the process that executes it."""

    request: bytes
    """The call itself, as `local.processes.portable` writes it."""
    values: Values = field(repr=False)

    def __call__(self) -> object:
        """Execute it; raises as it does."""
        add_values(self.values)
        return pickle.loads(self.request)()  # noqa: S301  # written by who started the run


def secrets_of(call: Callable[[], object]) -> Values:
    """What the components of its stack refer to that a step may use.

    Raises:
        MissingSecret: There is none of that name and key.
        SecretStoreUnavailable: The store that has it cannot be read.
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
