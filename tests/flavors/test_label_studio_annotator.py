"""The annotator `label_studio`: the contract, on a real Label Studio."""

import pytest
from label_studio_server import EMAIL

from stackfold.domain.errors import AnnotatorRejected, AnnotatorUnavailable
from stackfold.infrastructure.flavors.label_studio.annotator import LabelStudioAnnotator
from stackfold.testing.contracts.annotator import CHOICES, ITEMS, AnnotatorContract

LABELS = (
    '<View><Text name="text" value="$text"/>'
    '<Choices name="sentiment" toName="text"><Choice value="good"/><Choice value="bad"/></Choices>'
    '<Choices name="topics" toName="text" choice="multiple"><Choice value="a"/><Choice value="b"/>'
    '</Choices><Rating name="stars" toName="text"/>'
    '<Labels name="spans" toName="text"><Label value="name"/></Labels></View>'
)


class Tokens:
    """The only secret."""

    def __init__(self, token):
        self.token = token

    def value(self, reference):
        return self.token


def annotator_at(url, token, **options):
    configuration = LabelStudioAnnotator.Configuration(
        url=url, token="{{label-studio.token}}", **options
    )
    found = LabelStudioAnnotator(configuration, None)
    found.secrets = Tokens(token)
    return found


@pytest.fixture
def annotator(label_studio):
    return annotator_at(label_studio.url, label_studio.token)


class TestLabelStudio(AnnotatorContract):
    @pytest.fixture(autouse=True)
    def server(self, label_studio):
        self.server = label_studio

    @pytest.fixture
    def annotator(self, annotator):
        return annotator

    @pytest.fixture
    def unreachable(self):
        return annotator_at("http://127.0.0.1:1", "a.b.c", timeout=3)

    def label(self, annotator, dataset, text, choice):
        value = {"choices": [choice]}
        result = {"from_name": "label", "to_name": "item_0", "type": "choices", "value": value}
        annotate(self.server, annotator, dataset, text, [result])
        return EMAIL


def annotate(server, annotator, dataset, text, result, **more):
    """Label an item as the person."""
    project = annotator.url(dataset).split("/")[-2]
    with server.as_person() as client:
        query = {"project": project, "page_size": 500, "fields": "all"}
        tasks = client.get("/api/tasks", params=query).raise_for_status().json()["tasks"]
        (task,) = [each for each in tasks if each["data"]["text"] == text]
        content = {"result": result, **more}
        client.post(f"/api/tasks/{task['id']}/annotations/", json=content).raise_for_status()


def test_labels_of_every_kind_are_read(annotator, label_studio):
    annotator.create_dataset("kinds", LABELS, ITEMS)
    span = {"start": 0, "end": 1, "text": "a", "labels": ["name"]}

    def of(name, kind, value):
        return {"from_name": name, "to_name": "text", "type": kind, "value": value}

    result = [
        of("sentiment", "choices", {"choices": ["good"]}),
        of("topics", "choices", {"choices": ["a", "b"]}),
        of("stars", "rating", {"rating": 4}),
        of("spans", "labels", span),
    ]
    annotate(label_studio, annotator, "kinds", ITEMS[0]["text"], result)
    annotate(label_studio, annotator, "kinds", ITEMS[1]["text"], [], was_cancelled=True)
    (found,) = annotator.labelled("kinds")
    assert found.labels == {
        "sentiment": "good",
        "topics": ["a", "b"],
        "stars": 4,
        "spans": [span],
    }


def test_two_projects_of_one_name_are_not_confused(annotator, label_studio):
    annotator.create_dataset("twice", CHOICES)
    with label_studio.as_person() as client:
        project = {"title": "twice", "label_config": LABELS}
        client.post("/api/projects", json=project).raise_for_status()
    with pytest.raises(AnnotatorRejected, match="are all named 'twice': rename all but one"):
        annotator.url("twice")
    assert [each.name for each in annotator.datasets()].count("twice") == 2


@pytest.mark.parametrize(
    ("name", "labels", "items", "problem"),
    [
        ("of a long name" * 10, CHOICES, ITEMS, "title: Ensure this field has no more than 50"),
        ("broken", "<View", ITEMS, "label_config: unclosed token"),
        ("not fitting", LABELS, [{"other": "a"}], '"text" key is expected in task data'),
    ],
)
def test_what_is_rejected_leaves_no_dataset(annotator, name, labels, items, problem):
    with pytest.raises(AnnotatorRejected, match=problem) as error:
        annotator.create_dataset(name, labels, items)
    assert "\n" not in str(error.value)
    assert name not in {each.name for each in annotator.datasets()}


def test_an_access_token_is_renewed(annotator):
    annotator.datasets()
    api = annotator._api
    access, _ = api._access
    api._access = ("revoked", api._access[1])
    annotator.datasets()
    assert api._access[0] != "revoked"
    api._access = (access, 0.0)  # as if it had ended
    annotator.datasets()
    assert api._access[1] > 0


@pytest.mark.parametrize("token", ["wrong", "a.b.c", "é.b.c", ""])
def test_a_wrong_token_is_named(label_studio, token):
    with pytest.raises(AnnotatorUnavailable, match=r"rejects the token|is no token") as error:
        annotator_at(label_studio.url, token).check_connection()
    assert not token or token not in str(error.value)


def test_a_huge_dataset_is_not_read(label_studio, annotator):
    annotator.create_dataset("huge", CHOICES, [f"text {number}" for number in range(120)])
    few = annotator_at(label_studio.url, label_studio.token, most_items=100)
    with pytest.raises(AnnotatorUnavailable, match="more than 100 of them: raise most_items"):
        few.labelled("huge")
