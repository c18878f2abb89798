"""StepComponents: the components of a run's stack, as its steps reach them where they run."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast
from uuid import UUID

from stackfold.application.ports import StackComponent
from stackfold.domain.errors import ComponentUnusable, NoComponent, StackfoldError
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName

Build = Callable[[PinnedComponent], object]
"""Builds a pinned component."""

Pack = Callable[[object], Callable[[], object]]
"""Packs an object so that it can be pickled; what it returns unpacks the object."""


class StepComponents:
    """Builds the components of a pinned stack when they are asked for, each once.

    Attributes:
        pin: The stack.
    """

    def __init__(self, pin: Pin, build: Build, pack: Pack) -> None:
        """Create the access to the components of a pin.

        Args:
            pin: The stack.
            build: Builds its components.
            pack: Packs those that are sent to another process.
        """
        self.pin = pin
        self._pack = pack
        self._build = build
        self._built: dict[UUID, object] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # What builds them stays here, with the log. Each is packed alone, so that one that cannot
        # be sent stops only the steps that ask for it.
        sent = self._build if isinstance(self._build, _Sent) else self._packed()
        return StepComponents, (self.pin, sent, self._pack)

    def get(self, type: TypeOrName, name: str | None = None) -> StackComponent:
        """Return the component of a type.

        Args:
            type: The component type.
            name: The component's name; None for the default one.

        Raises:
            NoComponent: The stack has none of that type or name.
            NotInstalled: A package that it needs is missing here.
            ComponentUnusable: It could not be sent to the process that executes the step.
        """
        pinned = _pinned(self.pin, type, name)
        with self._lock:
            if pinned.id not in self._built:
                self._built[pinned.id] = self._build(pinned)
            return cast(StackComponent, self._built[pinned.id])

    def _packed(self) -> "_Sent":
        """All components of the pin, packed."""
        packed: dict[UUID, Callable[[], object] | str] = {}
        for pinned in (each for group in self.pin.components.values() for each in group):
            try:
                packed[pinned.id] = self._pack(self.get(pinned.type, pinned.name))
            except StackfoldError as error:
                packed[pinned.id] = str(error)
            except Exception as error:  # raised by a class of the user's
                packed[pinned.id] = f"it cannot be pickled: {error}"
        return _Sent(packed)


class _Sent(NamedTuple):
    """Components that were sent from the process of the run."""

    packed: Mapping[UUID, Callable[[], object] | str]
    """Id of a component → what unpacks it, or why it could not be sent."""

    def __call__(self, pinned: PinnedComponent) -> object:
        """Unpack a component: its class is imported only now.

        Raises:
            ComponentUnusable: It could not be sent, or cannot be loaded here.
        """
        packed = self.packed[pinned.id]
        if isinstance(packed, str):
            raise ComponentUnusable(pinned.type, pinned.name, packed)
        try:
            return packed()
        except Exception as error:  # raised by a class of the user's
            problem = f"it cannot be loaded where the step runs: {error}"
            raise ComponentUnusable(pinned.type, pinned.name, problem) from error


def _pinned(pin: Pin, type: TypeOrName, name: str | None) -> PinnedComponent:
    found = pin.component(ComponentType(type), name)
    if found is None:
        available = tuple(each.name for each in pin.components.get(ComponentType(type), ()))
        raise NoComponent(pin.stack, type, name or "", available)
    return found
