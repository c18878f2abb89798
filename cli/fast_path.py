"""Plain questions, answered before typer is loaded.

Loading typer takes several times as long as an answer. So the commonest questions go straight to
the functions that their commands call; whatever is not exactly one of these goes to typer, which
alone knows the grammar. A test compares both ways, question by question.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from stackfold.cli import show as answers
from stackfold.cli.render import Format
from stackfold.domain.stacks.component_type import ComponentType

Answer = Callable[..., None]


def answered(arguments: Sequence[str]) -> bool:
    """Answer a plain question; False, and nothing is done, if it is something else."""
    words, output = _output_taken_off(arguments)
    answer = _answer(words)
    if answer is None or output not in Format.__members__.values():
        return False
    answer(output=output)
    return True


def _output_taken_off(arguments: Sequence[str]) -> tuple[Sequence[str], str]:
    match arguments:
        case [*words, "--output", value]:
            return words, value
        case [*words, last] if last.startswith("--output="):
            return words, last.removeprefix("--output=")
    return arguments, Format.TABLE


def _answer(words: Sequence[str]) -> Answer | None:
    if any(word.startswith("-") or not word for word in words):
        return None
    match words:
        case [*question, "describe" | "history" as asked, reference]:
            answer = dict((*plain_questions(), *_OF_ONE)).get((*question, asked))
            return partial(answer, reference=reference) if answer else None
        case _:
            return dict(plain_questions()).get(tuple(words))


_OF_ONE: tuple[tuple[tuple[str, ...], Answer], ...] = (
    (("deployment", "describe"), answers.deployment),
    (("deployment", "history"), answers.deployment_history),
)
"""Questions that are asked with a name only."""


def plain_questions() -> Iterator[tuple[tuple[str, ...], Answer]]:
    """The words of each question, and what answers it; of one thing, its name may follow."""
    yield ("status",), answers.status
    yield ("version",), answers.version
    yield ("run", "list"), answers.runs
    yield ("stack", "list"), answers.stacks
    yield ("stack", "get"), answers.active_stack
    yield ("stack", "describe"), answers.stack
    yield ("stack", "history"), answers.stack_history
    yield ("log", "head"), answers.log_head
    yield ("artifact", "list"), answers.artifacts
    yield ("deployment", "list"), answers.deployments
    for type in ComponentType:
        yield (type.command, "list"), partial(answers.components, type)
        yield (type.command, "get"), partial(answers.active_component, type)
        yield (type.command, "describe"), partial(answers.component, type)
        yield (type.command, "history"), partial(answers.component_history, type)
        yield (type.command, "flavor", "list"), partial(answers.flavors, type)
