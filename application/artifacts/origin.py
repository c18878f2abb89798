"""Origin: artifacts of another stack are taken only if that is wanted."""

from typing import TYPE_CHECKING

from stackfold.application.artifacts.artifact_views import ArtifactQueries
from stackfold.domain.errors import FromAnotherStack

if TYPE_CHECKING:
    from uuid import UUID


def must_come_from(
    queries: ArtifactQueries,
    id: str,
    reference: str,
    stack: str,
    stack_id: "UUID",
    from_stack: str | None,
) -> None:
    """Require that an artifact was made on a stack, or may be taken from where it was made.

    An artifact for which an alias stands, its own or one of a version of a model, may come from
    any stack: that is what a promotion says.

    Args:
        queries: Reads where artifacts come from.
        id: The id of the artifact.
        reference: Its name and version.
        stack: The name of the stack that takes it.
        stack_id: The id of that stack.
        from_stack: The name of another stack from which artifacts may be taken; None for none.

    Raises:
        FromAnotherStack: It was made on another stack, and is not promoted.
    """
    stacks = queries.stacks_of(id)
    if not stacks:
        return  # no run made it
    if str(stack_id) in stacks or from_stack in stacks.values() or queries.is_promoted(id):
        return
    raise FromAnotherStack(reference, [*stacks.values()], stack)
