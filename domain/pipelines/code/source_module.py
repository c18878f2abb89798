"""Source modules: the statements in the file of a module, read without importing it."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from types import CodeType
from typing import NamedTuple, Protocol

from stackfold.domain.pipelines.code.bytecode import CodeFacts, facts


class Source(NamedTuple):
    """The file of a user module."""

    name: str
    """The full name of the module."""
    is_package: bool
    read: Callable[[], str | None]
    """Returns its text; None if it cannot be read, or contains only compiled code."""
    changed: object
    """A value that changes when the file does, such as its modification time and size."""


class Sources(Protocol):
    """Finds the files of modules, without importing anything."""

    def find(self, module: str) -> Source | None:
        """Return the file of a module; None if it has none, or is not user code."""
        ...


class NoSources:
    """Finds no files."""

    def find(self, module: str) -> Source | None:
        """Return None."""


class SourceModule:
    """The statements of a module, by the names that they bind."""

    def __init__(self, source: Source, text: str) -> None:
        """Parse a file.

        Args:
            source: The file.
            text: Its text.

        Raises:
            SyntaxError: The text is not Python.
            ValueError: The text contains null bytes.
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
        """The statements that bind a name."""
        return [each for each in self.statements if name in each.binds]

    def changing(self, name: str) -> list["Statement"]:
        """The statements that may change the object that a name refers to.

        They do so directly, like `TABLE["x"] = f`, or call a function that does.
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
        """Function, as "Class.function" → the digests of its definitions in the file."""
        # Compiled as a whole: the imports of a module affect how calls in functions are compiled.
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
        """The statements `from … import *`."""
        for each in self.statements:
            if isinstance(each.node, ast.ImportFrom) and each.node.names[0].name == "*":
                yield each.node


class Statement:
    """A statement of a module."""

    def __init__(self, node: ast.stmt, flags: int) -> None:
        """Wrap a statement.

        Args:
            node: The statement.
            flags: The compiler flags of the `__future__` imports of its module.
        """
        self.node = node
        self._flags = flags

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it binds."""
        return frozenset(_bound(self.node))

    @cached_property
    def mentions(self) -> frozenset[str]:
        """The names that it uses when the module is imported, without bodies of functions."""
        return frozenset(each.id for each in _executed(self.node) if isinstance(each, ast.Name))

    @cached_property
    def names(self) -> frozenset[str]:
        """All names in it."""
        return frozenset(each.id for each in ast.walk(self.node) if isinstance(each, ast.Name))

    @cached_property
    def may_change(self) -> bool:
        """Whether it may change objects that other statements bind."""
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return bool(self.node.decorator_list)
        return not isinstance(
            self.node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
        ) or (not self.binds)

    @cached_property
    def code(self) -> CodeType:
        """Its compiled code."""
        alone = ast.Module([self.node], [])
        return compile(alone, "<source>", "exec", self._flags, dont_inherit=True)  # type: ignore[no-any-return]

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions without decorators that it defines, or the methods if it is a class."""
        body = self.node.body if isinstance(self.node, ast.ClassDef) else [self.node]
        return frozenset(
            each.name
            for each in body
            if isinstance(each, ast.FunctionDef) and not each.decorator_list
        )

    @cached_property
    def constant(self) -> ast.Constant | None:
        """The constant that it assigns to a single name; None if it is another statement."""
        node = self.node
        if not isinstance(node, ast.Assign) or len(self.binds) != 1:
            return None
        return node.value if isinstance(node.value, ast.Constant) else None

    @cached_property
    def facts(self) -> CodeFacts:
        """The facts about its code."""
        return facts(self.code)

    @cached_property
    def digest(self) -> str:
        """sha256 of its code and the names that it binds."""
        text = f"{self.facts.digest} {sorted(self.binds)}"
        return hashlib.sha256(text.encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_scripts(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__":`, which an import does not execute."""
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
    """The nodes that are executed with a statement, without bodies of functions."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        for field, value in ast.iter_fields(each):
            if field != "body" or not isinstance(each, _SCOPES):
                values = value if isinstance(value, list) else [value]
                waiting += [inner for inner in values if isinstance(inner, ast.AST)]


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
