"""What every annotator must do, as steps, programs and the command line use it."""

import pickle
from abc import abstractmethod
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from stackfold.application.ports import Annotator
from stackfold.domain.errors import AnnotatorUnavailable, Invalid, NameTaken, NotFound
from stackfold.testing.contracts import not_given

CHOICES = ["good", "bad & ugly"]
"""The labels, of which one is chosen."""
ITEMS = [{"text": 'a "first" text & more'}, {"text": "второй"}, {"text": "3"}]


class AnnotatorContract:
    """Derive a class whose name begins with `Test`, and override its fixtures.

    They are `annotator` and `unreachable`, and the method `label`. Each test uses another dataset.
    """

    @pytest.fixture
    def annotator(self) -> Annotator:
        """The annotator."""
        raise NotImplementedError("override the fixture 'annotator'")

    @pytest.fixture
    def unreachable(self) -> Annotator:
        """An annotator that does not respond."""
        not_given("unreachable", "what happens while the annotator is unavailable")

    @abstractmethod
    def label(self, annotator: Annotator, dataset: str, text: str, choice: str) -> str:
        """Label an item as a person would do it.

        Args:
            annotator: The annotator.
            dataset: The name of the dataset, whose labels are `CHOICES`.
            text: The field "text" of the item.
            choice: The label.

        Returns:
            Who labelled it.
        """
        not_given("label", "labels that people gave")

    @pytest.fixture
    def name(self) -> str:
        """The name of the dataset."""
        return f"contract {uuid4()}"

    def test_a_dataset_is_created_with_its_items(self, annotator: Annotator, name: str) -> None:
        created = annotator.create_dataset(name, CHOICES, ITEMS)
        assert (created.name, created.items, created.labelled) == (name, 3, 0)
        assert [each for each in annotator.datasets() if each.name == name] == [created]
        assert annotator.url(name) == created.url
        assert created.url.startswith("http")

    def test_labels_are_read_with_who_and_when(self, annotator: Annotator, name: str) -> None:
        annotator.create_dataset(name, CHOICES, ITEMS)
        assert list(annotator.labelled(name)) == []
        before = datetime.now(UTC)
        who = self.label(annotator, name, ITEMS[0]["text"], CHOICES[1])
        self.label(annotator, name, ITEMS[2]["text"], CHOICES[0])
        first, second = annotator.labelled(name)
        assert (first.item, second.item) == (ITEMS[0], ITEMS[2])
        assert [*first.labels.values(), *second.labels.values()] == [CHOICES[1], CHOICES[0]]
        assert first.by == who
        assert abs((first.at - before).total_seconds()) < 300
        assert datetime.fromisoformat(first.record["at"]) == first.at
        assert first.id != second.id
        (dataset,) = [each for each in annotator.datasets() if each.name == name]
        assert (dataset.items, dataset.labelled) == (3, 2)

    def test_items_are_added_once(self, annotator: Annotator, name: str) -> None:
        annotator.create_dataset(name, CHOICES, [ITEMS[0], ITEMS[0]])
        assert annotator.add_items(name, ITEMS) == 2
        assert annotator.add_items(name, ITEMS) == 0
        assert annotator.add_items(name, []) == 0
        (dataset,) = [each for each in annotator.datasets() if each.name == name]
        assert dataset.items == 3

    def test_texts_and_frames_are_items(self, annotator: Annotator, name: str) -> None:
        annotator.create_dataset(name, CHOICES, ["a"])
        assert annotator.add_items(name, [{"text": "a"}, {"text": "b"}]) == 1
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"text": ["b", "c"], "row": [1, 2], "gap": [float("nan"), 1.5]})
        assert annotator.add_items(name, frame[["text"]]) == 1
        assert annotator.add_items(name, frame) == 2

    def test_many_items_are_added_and_listed(self, annotator: Annotator, name: str) -> None:
        texts = [f"text {number}" for number in range(301)]
        assert annotator.create_dataset(name, CHOICES, texts).items == 301
        assert annotator.add_items(name, [*texts, "another"]) == 1

    def test_a_name_is_used_once(self, annotator: Annotator, name: str) -> None:
        annotator.create_dataset(name, CHOICES)
        with pytest.raises(NameTaken):
            annotator.create_dataset(name, CHOICES)
        annotator.create_dataset(f"{name}2", CHOICES)  # a name may begin like another one

    def test_a_dataset_is_deleted(self, annotator: Annotator, name: str) -> None:
        annotator.create_dataset(name, CHOICES, ITEMS)
        annotator.delete_dataset(name)
        assert name not in {each.name for each in annotator.datasets()}
        for use in (
            annotator.labelled,
            annotator.delete_dataset,
            annotator.url,
            lambda name: annotator.add_items(name, ITEMS),
        ):
            with pytest.raises(NotFound, match="there is no dataset"):
                use(name)

    @pytest.mark.parametrize("items", [[1], [{"a": object()}], "text", {"text": "a"}])
    def test_items_must_be_json(self, annotator: Annotator, name: str, items: object) -> None:
        with pytest.raises(Invalid):
            annotator.create_dataset(name, CHOICES, items)  # type: ignore[arg-type]
        assert name not in {each.name for each in annotator.datasets()}

    def test_it_can_be_sent_to_another_process(self, annotator: Annotator, name: str) -> None:
        created = annotator.create_dataset(name, CHOICES)
        again = pickle.loads(pickle.dumps(annotator))
        assert again.url(name) == created.url

    def test_its_connection_is_checked(
        self, annotator: Annotator, unreachable: Annotator, name: str
    ) -> None:
        annotator.check_connection()
        for use in (
            unreachable.check_connection,
            unreachable.datasets,
            lambda: unreachable.create_dataset(name, CHOICES, ITEMS),
            lambda: unreachable.labelled(name),
        ):
            with pytest.raises(AnnotatorUnavailable) as error:
                use()
            assert "\n" not in str(error.value)
