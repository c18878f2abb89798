"""Follows imports inside functions, through the source of user modules.

Whether such a module has been loaded must make no difference, so it is read from its file. Objects
of a loaded module that differ from its file are included, too.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator, Mapping
from types import FunctionType
from typing import Any, NamedTuple

from stackfold.domain.pipelines.code.bytecode import Import, Path, facts
from stackfold.domain.pipelines.code.constants import constant, is_plain
from stackfold.domain.pipelines.code.source_module import Source, SourceModule, Sources, Statement
from stackfold.domain.pipelines.code.user_code import is_class, loaded_module, members, namespace

MOST_STATEMENTS = 10_000
"""The maximum number of statements of imported modules that are followed."""
_MOST_MODULES = 1000

_read: dict[str, tuple[object, SourceModule | None]] = {}
"""Module → (state of its file when it was read, its statements)."""


class Imported(NamedTuple):
    """The code that imports reach."""

    lines: tuple[str, ...]
    """The digests of the statements, sorted."""
    opaque: tuple[str, ...]
    """Descriptions of imports that could not be followed."""


class Imports:
    """Follows imports, and caches the modules that it reads."""

    def __init__(self, sources: Sources) -> None:
        """Create an empty cache.

        Args:
            sources: Finds the files of modules.
        """
        self._sources = sources
        self._modules: dict[str, SourceModule | None] = {}

    def follow(self, paths: list[Path], package: str) -> Imported:
        """Return the code that imports reach.

        Args:
            paths: Each an `Import`, and the attributes that are read from it.
            package: The package that relative imports are relative to.
        """
        walk = _Walk(self)
        for path in paths:
            walk.take(path, package)
        try:
            return walk.result()
        except (SyntaxError, ValueError, RecursionError) as error:
            # The import itself will raise.
            return Imported((), (f"imports that cannot be read ({type(error).__name__})",))

    def code_of(self, name: str) -> str:
        """The digest of a user class by its full name; empty if it is in no file."""
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = Import(0, ".".join(parts[:length]))
            if self.module(module.name) is not None:
                lines = self.follow([(module, *parts[length:])], "").lines
                return hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return ""

    def module(self, name: str) -> SourceModule | None:
        """Return a user module by its full name; None if there is none."""
        if name not in self._modules:
            self._modules[name] = self._found(name) if name else None
        return self._modules[name]

    def _found(self, name: str) -> SourceModule | None:
        source = self._sources.find(name)
        if source is None:
            return None
        known = _read.get(name)
        if known is None or known[0] != source.changed:
            if len(_read) > _MOST_MODULES:
                _read.clear()
            known = _read[name] = source.changed, _parsed(source)
        return known[1]


def _parsed(source: Source) -> SourceModule | None:
    try:
        text = source.read()
        return SourceModule(source, text) if text is not None else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def absolute(imported: Import, package: str) -> str:
    """The absolute name of an imported module."""
    if not imported.level:
        return imported.name
    parts = package.split(".") if package else []
    parts = parts[: len(parts) - imported.level + 1]
    return ".".join([*parts, *([imported.name] if imported.name else [])])


class _Walk:
    """One walk over the statements of modules."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._seen: set[tuple[str, ...]] = set()
        self._reached: dict[int, tuple[Statement, SourceModule]] = {}
        self._opaque: list[str] = []
        self._waiting: list[tuple[str, tuple[str, ...]]] = []

    def take(self, path: Path, package: str) -> None:
        """Add the statements that a path refers to."""
        name = absolute(path[0], package)
        self._waiting.append((name, tuple(path[1:])))

    def result(self) -> Imported:
        """Walk over all statements that are reached, and return their digests."""
        while self._waiting:
            name, attributes = self._waiting.pop()
            if (name, *attributes) in self._seen:
                continue
            self._seen.add((name, *attributes))
            if len(self._reached) >= MOST_STATEMENTS:
                self._opaque.append(f"more than {MOST_STATEMENTS} statements of modules")
                break
            self._reach(name, attributes)
        reached = self._reached.values()
        lines = {each.digest for each, _ in reached}
        assigned = {
            (module.name, path[0])
            for each, module in reached
            for path in each.facts.assigned
            if isinstance(path[0], str)
        }
        for statement, module in reached:
            lines |= {*_loaded_otherwise(statement, module, assigned)}
        return Imported(tuple(sorted(lines)), tuple(self._opaque))

    def _reach(self, name: str, attributes: tuple[str, ...]) -> None:
        module = self._imports.module(name)
        if module is None:
            return
        if not attributes:
            for statement in module.statements:
                self._add(statement, module)
            return
        first, *rest = attributes
        found = module.binding(first)
        for statement in found:
            if not self._redirect(statement, first, rest, module):
                self._add(statement, module)
        for statement in module.changing(first):
            self._add(statement, module)
        if found:
            return
        inner = f"{name}.{first}"
        if self._imports.module(inner) is not None:
            self._waiting.append((inner, tuple(rest)))
            return
        for star in module.star_imports:
            self.take((Import(star.level, star.module or ""), *attributes), module.package)
        for statement in module.binding("__getattr__"):
            self._add(statement, module)

    def _redirect(
        self, statement: Statement, name: str, rest: list[str], module: SourceModule
    ) -> bool:
        """Follow an import statement that binds a name; False if it is another statement."""
        node = statement.node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    path = (Import(node.level, node.module or ""), alias.name, *rest)
                    self.take(path, module.package)
            return True
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname == name:
                    self._waiting.append((alias.name, tuple(rest)))
                elif not alias.asname and alias.name.partition(".")[0] == name:
                    self._waiting.append((name, tuple(rest)))
            return True
        return False

    def _add(self, statement: Statement, module: SourceModule) -> None:
        if id(statement) in self._reached:
            return
        self._reached[id(statement)] = statement, module
        for path in statement.facts.named:
            if isinstance(path[0], Import):
                self.take(path, module.package)
            else:
                self._waiting.append((module.name, path))
        for name in statement.binds:
            self._waiting.append((module.name, (name,)))
        self._opaque += [f"what {each} leads to" for each in statement.facts.unresolved]


def _loaded_otherwise(
    statement: Statement, module: SourceModule, assigned: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Values and functions of a loaded module that differ from those in its file."""
    loaded = loaded_module(module.name)
    if loaded is None:
        return
    if statement.constant is not None:
        (name,) = statement.binds
        value = namespace(loaded).get(name)
        alone = len(module.binding(name)) == 1 and not module.changing(name)
        if alone and (module.name, name) not in assigned and is_plain(type(value)):
            text = constant(value)
            if text != constant(statement.constant.value):
                yield f"{name}: {text}"
        return
    space: Mapping[str, Any] = namespace(loaded)
    prefix = ""
    if isinstance(statement.node, ast.ClassDef):
        prefix = f"{statement.node.name}."
        kind: Any = space.get(statement.node.name)
        space = members(kind) if is_class(kind) else {}
    for name in statement.functions:
        value = space.get(name)
        if type(value) is FunctionType:
            digest = facts(value.__code__).digest
            if digest not in module.digests.get(f"{prefix}{name}", ()):
                yield f"{name}: {digest}"
