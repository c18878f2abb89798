"""Modules as their source says: what stands in a file, found without importing it."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from types import CodeType
from typing import NamedTuple, Protocol

from stackfold.domain.pipelines.code.bytecode import CodeFacts, facts


class Source(NamedTuple):
    """The file of a module of the user's own."""

    name: str
    """The module's full name."""
    is_package: bool
    read: Callable[[], str | None]
    """Gives its text; None if there is only compiled code, or none that can be read."""
    changed: object
    """Equal for the same file as long as it is not changed."""


class Sources(Protocol):
    """Where the files of modules are found, without importing anything."""

    def find(self, module: str) -> Source | None:
        """The file of a module; None if there is none, or if it is not the user's own."""
        ...


class NoSources:
    """Finds nothing; for where no file is to be read."""

    def find(self, module: str) -> Source | None:
        """None."""


class SourceModule:
    """The statements of a module, by the names that they bind."""

    def __init__(self, source: Source, text: str) -> None:
        """Look at the text of a file.

        Raises:
            SyntaxError: It is not Python.
            ValueError: It holds what Python does not read.
        """
        self.name = source.name
        self.package = source.name if source.is_package else source.name.rpartition(".")[0]
        tree = self._tree = ast.parse(text)
        self._flags = 0
        for each in tree.body:
            if isinstance(each, ast.ImportFrom) and each.module == "__future__":
                self._flags |= _future(each)
        self.statements = [
            Statement(each, self._flags)
            for each in tree.body
            if not _is_text(each) and not _is_for_scripts(each)
        ]

    def binding(self, name: str) -> list["Statement"]:
        """The statements that give a name its value, or a part of it."""
        return [each for each in self.statements if name in each.binds]

    def changing(self, name: str) -> list["Statement"]:
        """The statements that may change what a name stands for.

        They do that themselves, as `TABLE["x"] = f` does, or call a function that does.
        """
        names = {name}
        names |= {
            each.node.name
            for each in self.statements
            if isinstance(each.node, ast.FunctionDef)
            and name in each.names
            and any(path[0] == name for path in each.facts.assigned)
        }
        return [each for each in self.statements if each.may_change and names & each.mentions]

    @cached_property
    def digests(self) -> dict[str, set[str]]:
        """Function, as "Class.function" → the digests of those that its file defines."""
        # As a whole: what a module imports changes how the calls in its functions are compiled.
        code = compile(self._tree, "<source>", "exec", dont_inherit=True)
        found: dict[str, set[str]] = {}
        waiting = [code]
        while waiting:
            for each in waiting.pop().co_consts:
                if isinstance(each, CodeType):
                    found.setdefault(each.co_qualname, set()).add(facts(each).digest)
                    waiting.append(each)
        return found

    @property
    def star_imports(self) -> Iterator[ast.ImportFrom]:
        """Its `from … import *`."""
        for each in self.statements:
            if isinstance(each.node, ast.ImportFrom) and each.node.names[0].name == "*":
                yield each.node


class Statement:
    """A statement of a module."""

    def __init__(self, node: ast.stmt, flags: int) -> None:
        """Look at a statement, compiled with `flags`."""
        self.node = node
        self._flags = flags

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it gives a value."""
        return frozenset(_bound(self.node))

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The names that it uses when the module is imported; not those inside its functions."""
        return frozenset(each.id for each in _executed(self.node) if isinstance(each, ast.Name))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name in it."""
        return frozenset(each.id for each in ast.walk(self.node) if isinstance(each, ast.Name))

    @cached_property
    def may_change(self) -> bool:
        """Whether it may change what it does not bind."""
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return bool(self.node.decorator_list)
        return not isinstance(
            self.node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
        ) or (not self.binds)

    @cached_property
    def code(self) -> CodeType:
        """What is executed when the module is imported."""
        alone = ast.Module([self.node], [])
        return compile(alone, "<source>", "exec", self._flags, dont_inherit=True)  # type: ignore[no-any-return]

    @cached_property
    def functions(self) -> frozenset[str]:
        """The plain functions that it defines, or that a class defines in it."""
        body = self.node.body if isinstance(self.node, ast.ClassDef) else [self.node]
        return frozenset(
            each.name
            for each in body
            if isinstance(each, ast.FunctionDef) and not each.decorator_list
        )

    @cached_property
    def constant(self) -> ast.Constant | None:
        """The plain value that it gives to one name, if that is all that it does."""
        node = self.node
        if not isinstance(node, ast.Assign) or len(self.binds) != 1:
            return None
        return node.value if isinstance(node.value, ast.Constant) else None

    @cached_property
    def facts(self) -> CodeFacts:
        """What it does and names."""
        return facts(self.code)

    @cached_property
    def digest(self) -> str:
        """sha256 of what it does, and which names it gives a value."""
        text = f"{self.facts.digest} {sorted(self.binds)}"
        return hashlib.sha256(text.encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_scripts(node: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":`, which an import does not execute."""
    test = node.test if isinstance(node, ast.If) else None
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    texts = {each.value for each in ast.walk(test) if isinstance(each, ast.Constant)}
    return names == {"__name__"} and texts == {"__main__"}


def _future(node: ast.ImportFrom) -> int:
    import __future__

    found = (getattr(__future__, each.name, None) for each in node.names)
    flags = 0
    for feature in found:
        flags |= getattr(feature, "compiler_flag", 0)
    return flags


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that are executed with it; not the bodies of functions."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        for field, value in ast.iter_fields(each):
            if field != "body" or not isinstance(each, _SCOPES):
                held = value if isinstance(value, list) else [value]
                waiting += [inner for inner in held if isinstance(inner, ast.AST)]


def _bound(node: ast.AST) -> Iterator[str]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield each.name
            continue
        if isinstance(each, ast.Lambda):
            continue
        if isinstance(each, ast.Import | ast.ImportFrom):
            for alias in each.names:
                yield alias.asname or alias.name.partition(".")[0]
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
        elif isinstance(each, ast.ExceptHandler) and each.name:
            yield each.name
        waiting += ast.iter_child_nodes(each)
