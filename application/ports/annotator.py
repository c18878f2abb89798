"""The port of annotators, in which people label data."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.errors import Invalid
from stackfold.domain.json_safety import why_not_json
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.stacks.component_type import ComponentType

Item = Mapping[str, Any]
"""What is labelled: field → JSON value, such as a text or the address of a picture."""


class Dataset(NamedTuple):
    """A set of items that people label in the same way."""

    name: str
    items: int
    labelled: int
    """The number of items with labels."""
    url: str
    """Where people label it."""


class LabelledItem(NamedTuple):
    """The labels that one person gave to an item."""

    id: str
    """The id that the annotator gave to the labels."""
    item: Item
    labels: Mapping[str, Any]
    """Name of a label → its value: a text, a number, or a list of them or of regions."""
    by: str
    """Who labelled it, as the annotator knows them."""
    at: datetime
    """When it was last changed, with a time zone."""

    @property
    def record(self) -> dict[str, Any]:
        """All of it as a JSON object, as it is stored in artifacts."""
        return {**self._asdict(), "at": to_rfc3339(self.at)}


class Annotator(StackComponent[ConfigurationT]):
    """Lets people label data.

    A flavor implements the abstract methods. Datasets are known by their names.
    """

    component_type = ComponentType.ANNOTATOR

    def create_dataset(
        self, name: str, labels: str | Sequence[str], items: Iterable[Any] = ()
    ) -> Dataset:
        """Create a dataset.

        Args:
            name: Its name.
            labels: The labels in the annotator's own notation, or a list of texts of which one is
                chosen for each item.
            items: The items: mappings, texts, or a frame with a row for each. An item that is equal
                to another one is added once.

        Raises:
            AnnotatorRejected: There is a dataset of that name, or the labels or items are invalid.
            AnnotatorUnavailable: It cannot be reached, after a bounded wait.
            Invalid: An item cannot be represented as JSON.
        """
        rows = rows_of(items)
        if not isinstance(labels, str):
            labels = self.choices([*labels], rows)
        return self.create(name, labels, rows)

    def add_items(self, name: str, items: Iterable[Any]) -> int:
        """Add items to a dataset, unless it has them: it may be repeated.

        Args:
            name: The name of the dataset.
            items: The items, as for `create_dataset`.

        Returns:
            The number of items that were added.

        Raises:
            NotFound: There is no such dataset.
            AnnotatorRejected: The items do not fit the labels.
            AnnotatorUnavailable: As for `create_dataset`.
            Invalid: An item cannot be represented as JSON.
        """
        return self.add(name, rows_of(items))

    @abstractmethod
    def datasets(self) -> Sequence[Dataset]:
        """Return the datasets, by name.

        Raises:
            AnnotatorUnavailable: As for `create_dataset`.
        """

    @abstractmethod
    def labelled(self, name: str) -> Sequence[LabelledItem]:
        """Return the labels that were given so far, by item; skipped items have none.

        Args:
            name: The name of the dataset.

        Raises:
            NotFound: There is no such dataset.
            AnnotatorUnavailable: As for `create_dataset`.
        """

    @abstractmethod
    def delete_dataset(self, name: str) -> None:
        """Delete a dataset with its items and labels.

        Args:
            name: Its name.

        Raises:
            NotFound: There is no such dataset.
            AnnotatorUnavailable: As for `create_dataset`.
        """

    @abstractmethod
    def url(self, name: str) -> str:
        """Return the address at which people label a dataset.

        Args:
            name: Its name.

        Raises:
            NotFound: There is no such dataset.
            AnnotatorUnavailable: As for `create_dataset`.
        """

    # -- called by the methods above, with valid arguments

    @abstractmethod
    def choices(self, texts: Sequence[str], items: Sequence[dict[str, Any]]) -> str:
        """Return labels in the annotator's notation, of which one is chosen for each item.

        Args:
            texts: The labels.
            items: The items; all their fields are shown.
        """

    @abstractmethod
    def create(self, name: str, labels: str, items: Sequence[dict[str, Any]]) -> Dataset:
        """See `create_dataset`."""

    @abstractmethod
    def add(self, name: str, items: Sequence[dict[str, Any]]) -> int:
        """See `add_items`."""


def rows_of(items: Any) -> list[dict[str, Any]]:
    """Return items as JSON objects: the rows of a frame, mappings, or texts as field "text".

    Args:
        items: The items. Times become texts, and NaN becomes None.

    Raises:
        Invalid: An item is of another kind, or cannot be represented as JSON.
    """
    if hasattr(items, "columns"):
        # As frames of pandas and polars do it.
        items = items.to_dict("records") if hasattr(items, "iloc") else items.to_dicts()
    if isinstance(items, str | bytes | Mapping):
        raise Invalid("the items must be a frame or a list")
    rows = []
    for number, item in enumerate(items):
        row = {"text": item} if isinstance(item, str) else item
        if not isinstance(row, Mapping):
            kind = type(item).__name__
            raise Invalid(f"item {number} must be a mapping or a text, and not {kind}")
        fields = {str(name): _json(value) for name, value in row.items()}
        if problem := why_not_json(fields):
            raise Invalid(f"item {number} cannot be labelled, as it contains {problem}")
        rows.append(fields)
    return rows


def _json(value: Any) -> Any:
    if hasattr(value, "item") and not hasattr(value, "__len__"):  # a number of numpy
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date):  # includes datetimes
        return value.isoformat() if value == value else None  # noqa: PLR0124 -- NaT
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value
