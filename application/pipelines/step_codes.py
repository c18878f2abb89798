"""StepCodes: computes the code fingerprints of the steps of a graph."""

from collections.abc import Iterator, Sequence
from typing import Any

from stackfold.domain.pipelines.code import CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.graph import Node

_PLAIN = {str, int, float, bool, type(None)}


class StepCodes:
    """Computes the code fingerprints of the steps of one graph.

    A fingerprint covers what the step's function refers to, and the classes in the type hints of
    its inputs, in those of the outputs that flow into them, and of its parameters' values.
    """

    def __init__(self, fingerprints: CodeFingerprints, nodes: Sequence[Node]) -> None:
        """Compute the fingerprints of the steps of `nodes`."""
        self._fingerprints = fingerprints
        self._nodes = {node.name: node for node in nodes}
        self._of_nodes: dict[str, Fingerprint] = {}
        self._known: dict[tuple[int, ...], Fingerprint] = {}
        self._hinted: dict[int, tuple[Any, ...]] = {}
        self._classes: dict[str, str] = {}
        self._alive: list[Any] = []

    def of(self, node: Node) -> Fingerprint:
        """Return the code fingerprint of a node's step."""
        of_node = self._of_nodes.get(node.name)
        if of_node is not None:
            return of_node
        function = node.step.function
        met = {id(each): each for each in self._met(node)}
        key = (id(function), *met)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._fingerprints.fingerprint(function, met.values())
        self._of_nodes[node.name] = found
        return found

    def of_class(self, type: str, node: Node) -> str:
        """Return the digest of a user-defined class "module.Class" of a node's input.

        Empty if the class is not user-defined or cannot be found.
        """
        if type.startswith(("builtins.", "numpy.", "pandas.")):
            return ""
        found = self._classes.get(type)
        if found is None:
            found = self._fingerprints.of_class(type, node.step.function)
            self._classes[type] = found
        return found

    def _met(self, node: Node) -> Iterator[Any]:
        signature = node.step.signature
        yield from self._hints(id(signature.hints), signature.hints.values())
        for output in node.inputs.values():
            producer = self._nodes.get(output.step)
            outputs = producer.step.signature.outputs if producer else ()
            yield from self._hints(id(outputs), [each.type for each in outputs])
        values = [each for each in node.arguments.values() if type(each) not in _PLAIN]
        defaults = getattr(node.step.function, "__defaults__", None) or ()
        values += [each for each in defaults if type(each) not in _PLAIN]
        if values:
            self._alive += values
            yield from self._fingerprints.met((), values)

    def _hints(self, key: int, hints: Any) -> tuple[Any, ...]:
        found = self._hinted.get(key)
        if found is None:
            self._alive.append(hints)
            found = self._hinted[key] = self._fingerprints.met(hints, ())
        return found
