"""The ready-made steps `send_to_annotator` and `labelled_items`."""

from typing import Annotated, Any

from stackfold.application.ports import Annotator
from stackfold.application.runs.context import get_context
from stackfold.domain.errors import NotFound
from stackfold.domain.pipelines.step import step


@step(enable_cache=False)
def send_to_annotator(
    items: Any, dataset: str, labels: list[str] | str, annotator: str = ""
) -> Annotated[str, "url"]:
    """Add items to a dataset of the stack's annotator, which is created if it does not exist.

    The step may be repeated: an item that the dataset has is not added again.

    Args:
        items: The items: mappings, texts, or a frame with a row for each.
        dataset: The name of the dataset.
        labels: The labels in the annotator's own notation, or a list of texts of which one is
            chosen; used for a new dataset.
        annotator: The name of the annotator in the stack; empty for the default one.

    Returns:
        The address at which people label the dataset.
    """
    context = get_context()
    tool: Annotator = context.component("annotator", annotator or None)
    try:
        added = tool.add_items(dataset, items)
        url = tool.url(dataset)
    except NotFound:
        created = tool.create_dataset(dataset, labels, items)
        added, url = created.items, created.url
    context.log_metadata({"dataset": dataset, "added": added, "url": url})
    return url


@step(enable_cache=False)
def labelled_items(
    dataset: str, minimum: int = 0, annotator: str = ""
) -> Annotated[list[dict[str, Any]], "items"]:
    """Read the labels that people gave to the items of a dataset so far.

    Args:
        dataset: The name of the dataset.
        minimum: The number of labels below which the step fails.
        annotator: The name of the annotator in the stack; empty for the default one.

    Returns:
        For each label of a person: `id`, `item`, `labels`, `by` and `at`, as JSON objects.
    """
    context = get_context()
    tool: Annotator = context.component("annotator", annotator or None)
    found = [each.record for each in tool.labelled(dataset)]
    context.log_metadata({"dataset": dataset, "labelled": len(found), "url": tool.url(dataset)})
    if len(found) < minimum:
        raise NotFound(
            "dataset",
            dataset,
            message=f"dataset {dataset!r} has {len(found):,} of {minimum:,} labels: label more",
        )
    return found
