"""StepComponents: the components of a run's stack, as its steps reach them where they run."""

import threading
from collections.abc import Callable
from typing import Any, cast
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
        pinned = [each for group in self.pin.components.values() for each in group]
        return _SentComponents, (self.pin, {each.id: self._packed(each) for each in pinned})

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

    def _packed(self, pinned: PinnedComponent) -> Callable[[], object] | str:
        """The packed component, or why it cannot be sent."""
        try:
            return self._pack(self.get(pinned.type, pinned.name))
        except StackfoldError as error:
            return str(error)
        except Exception as error:  # a class of the user's may raise anything
            return f"it cannot be pickled: {error}"


class _SentComponents(StepComponents):
    """The components in another process than that of the run."""

    def __init__(self, pin: Pin, packed: dict[UUID, Callable[[], object] | str]) -> None:
        super().__init__(pin, self._unpacked, _never_packed)
        self._packed_components = packed

    def __reduce__(self) -> tuple[Any, ...]:
        return _SentComponents, (self.pin, self._packed_components)

    def _unpacked(self, pinned: PinnedComponent) -> object:
        packed = self._packed_components[pinned.id]
        if isinstance(packed, str):
            raise ComponentUnusable(pinned.type, pinned.name, packed)
        try:
            return packed()
        except Exception as error:
            problem = f"it cannot be loaded where the step runs: {error}"
            raise ComponentUnusable(pinned.type, pinned.name, problem) from error


def _never_packed(component: object) -> Callable[[], object]:
    raise NotImplementedError  # those that were sent are sent on as they are


def _pinned(pin: Pin, type: TypeOrName, name: str | None) -> PinnedComponent:
    found = pin.component(ComponentType(type), name)
    if found is None:
        available = tuple(each.name for each in pin.components.get(ComponentType(type), ()))
        raise NoComponent(pin.stack, type, name or "", available)
    return found
