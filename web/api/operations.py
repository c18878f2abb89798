"""Operations: what can be asked for, declared by functions.

An operation is a function of a `Call` and of keywords, which are the variables of its path and its
query. Their types and texts are in its signature and docstring; requests are read, and the OpenAPI
document is made, from these.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, get_args, get_origin
from typing import get_type_hints as hints_of

from stackfold.infrastructure.workspace import Workspace
from stackfold.web.api.schemas import entries

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

LARGEST_PAGE = 500
"""The most items of a page."""

Limit = Annotated[int, 1, LARGEST_PAGE]
"""The most items of a page."""
PageNumber = Annotated[int, 1, 1_000_000]
"""The number of a page, from 1."""
Number = Annotated[int, 0, 2**53 - 1]
"""A position of the log, a revision or a version."""
Past = Annotated[str | None, "as_of"]
"""A point in the past; an operation gets it as "#POSITION", or None for now."""


class Page(NamedTuple, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None
    """The address of the next part, below the host; None if this is the last one."""
    position: int
    """The position of the log that the list was read at; `next` continues at the same one."""


class Call(NamedTuple):
    """A request for an operation."""

    workspace: Workspace
    head: int
    """The last position of the log."""
    address: Callable[..., str]
    """Returns the address of this request with some fields of its query replaced."""

    def position(self, as_of: Past) -> int:
        """The position that a list is read at."""
        return int(as_of[1:]) if as_of else self.head

    def page(
        self,
        as_of: Past,
        page: int,
        limit: int,
        read: Callable[[str, int, int], Sequence[T]],
    ) -> Page[T]:
        """Read a page of a list.

        Args:
            as_of: The point in the past; None for now.
            page: The number of the page.
            limit: The most items.
            read: Returns a page from a point in the past, a number, and the most items.
        """
        position = self.position(as_of)
        # At a position also for now, or what is appended between two pages would move the items.
        found = [*read(f"#{position}", page, limit)]
        more = len(found) == limit and read(f"#{position}", page * limit + 1, 1)
        following = self.address(page=page + 1, as_of=position) if more else None
        return Page(found, following, position)

    def following(self, entries: list[T], limit: int, position: int, **query: Any) -> Page[T]:
        """A page of a list that continues after its last item.

        Args:
            entries: The items, one more than the limit if there is another page.
            limit: The most items.
            position: The position that the list was read at.
            **query: The fields of the query of the next page.
        """
        more = len(entries) > limit
        return Page(entries[:limit], self.address(**query) if more else None, position)


class Parameter(NamedTuple):
    """A variable of the path, or a field of the query."""

    name: str
    where: Literal["path", "query"]
    hint: Any
    """Its type, of which `None` and lists are no part."""
    bounds: tuple[int, int] | None
    """The smallest and the largest number."""
    several: bool
    """Whether it may be given several times."""
    is_past: bool
    """Whether it is a point in the past."""
    default: Any
    """Its value if it is not given; `inspect.Parameter.empty` if it must be."""
    description: str

    @property
    def is_required(self) -> bool:
        """Whether each request has it."""
        return self.default is inspect.Parameter.empty


class Operation(NamedTuple):
    """What can be asked for at a path."""

    path: str
    """Below `/api/v1`; variables in braces."""
    tag: str
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    returns: Any
    """The type of what it returns; `Text` for text."""
    summary: str
    description: str
    missing: bool
    """Whether what is asked for may not exist."""

    @property
    def id(self) -> str:
        """Its name in the document."""
        return str(self.function.__name__)


class Text(NamedTuple):
    """An answer of plain text, in pieces."""

    pieces: Any


class Operations:
    """A set of operations about one subject."""

    def __init__(self, tag: str) -> None:
        """Create an empty set.

        Args:
            tag: The subject.
        """
        self.tag = tag
        self.all: list[Operation] = []

    def get(self, path: str) -> Callable[[F], F]:
        """A decorator: declare the operation at a path.

        Args:
            path: The path below `/api/v1`; variables in braces.
        """

        def declare(function: F) -> F:
            text = inspect.getdoc(function) or ""
            summary, _, rest = text.partition("\n")
            hints = hints_of(function, include_extras=True)
            variables = re.findall(r"{(\w+)}", path)
            declared = [*inspect.signature(function).parameters.values()][1:]
            described = entries(text, "Args")
            self.all.append(
                Operation(
                    path=path,
                    tag=self.tag,
                    function=function,
                    parameters=tuple(
                        _parameter(each, hints[each.name], variables, described)
                        for each in declared
                    ),
                    returns=hints["return"],
                    summary=summary.rstrip("."),
                    description=" ".join(rest.partition("Args:")[0].split()),
                    missing=bool(variables),
                )
            )
            return function

        return declare


def _parameter(
    declared: inspect.Parameter, hint: Any, variables: list[str], described: dict[str, str]
) -> Parameter:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    is_past = extras == ("as_of",)
    several = get_origin(hint) is tuple
    if several:
        hint = get_args(hint)[0]
    if type(None) in get_args(hint):
        hint, _ = get_args(hint)
        if get_origin(hint) is Annotated:
            hint, *rest = get_args(hint)
            extras = tuple(rest)
    return Parameter(
        name=declared.name,
        where="path" if declared.name in variables else "query",
        hint=hint,
        bounds=(extras[0], extras[1]) if len(extras) == 2 else None,
        several=several,
        is_past=is_past,
        default=declared.default,
        description=described.get(declared.name) or _COMMON[declared.name],
    )


_COMMON = {
    "as_of": "The state at a point in the past: a position (`437` or `#437`), an RFC 3339 time or "
    "date, an age such as `2h`, or `run:ID`, the start of a run. By default, now.",
    "limit": "The most items of a page.",
    "page": "The number of the page; follow `next` instead of counting.",
}
"""The descriptions of parameters that mean the same everywhere."""
