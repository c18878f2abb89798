"""The annotator `label_studio`."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import Annotator, Secret
from stackfold.application.ports.annotator import Dataset, LabelledItem
from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import (
    AnnotatorRejected,
    AnnotatorUnavailable,
    NameTaken,
    NotFound,
    StackfoldError,
)
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.infrastructure.flavors.label_studio.api import Api, Missing
from stackfold.infrastructure.system.loopback import is_loopback

_BATCH = 250
"""Items that are sent at once."""
_FIELDS = "id,title,task_number,num_tasks_with_annotations"


class LabelStudioAnnotator(Annotator):
    """Has data labelled in Label Studio: a dataset is a project, an item a task."""

    flavor = "label_studio"

    class Configuration(ports.Configuration):
        """The server and the account."""

        url: str = Field(description="The server: https://host, with a path if it has one.")
        token: Secret = Field(
            description="The account's personal access token, as a reference {{secret.key}}."
        )
        timeout: int = Field(30, ge=1, le=600, description="Seconds until one request times out.")
        most_items: int = Field(
            100_000, ge=1, description="The largest number of items of a dataset to read."
        )

        @field_validator("url")
        @classmethod
        def _is_a_server(cls, url: str) -> str:
            # The message must not repeat the URL, which may contain a password.
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("must be http://host:port or https://host")
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise ValueError("may hold no password, query or fragment")
            return url.rstrip("/")

    configuration: Configuration

    def __init__(self, configuration: Any, home: Path) -> None:
        """Create the component; connects to nothing."""
        super().__init__(configuration, home)
        self._opened: Api | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_opened": None}  # it has an access token

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        return not is_loopback(urlsplit(self.configuration.url).hostname or "")

    def datasets(self) -> Sequence[Dataset]:
        found = self._api.pages("/api/projects", "results", 10_000, include=_FIELDS)
        return sorted(map(self._dataset, found), key=lambda each: each.name)

    def labelled(self, name: str) -> Sequence[LabelledItem]:
        project = self._project(name)
        people = self._people()
        return [item for task in self._tasks(project) for item in self._labels(task, people)]

    def delete_dataset(self, name: str) -> None:
        with suppress(Missing):  # deleted by another process meanwhile
            self._api.call("DELETE", f"/api/projects/{self._project(name)['id']}")

    def url(self, name: str) -> str:
        return self._dataset(self._project(name)).url

    def check_connection(self) -> None:
        """Ask for the account of the token, and for one project."""
        try:
            self._api.get("/api/current-user/whoami")
            self._api.get("/api/projects", page=1, page_size=1, include="id")
        except Missing:
            raise self._strange() from None

    def choices(self, texts: Sequence[str], items: Sequence[dict[str, Any]]) -> str:
        fields = dict.fromkeys(name for item in items for name in item) or {"text": None}
        shown = "".join(
            f"<Text name={quoteattr(f'item_{number}')} value={quoteattr(f'${name}')}/>"
            for number, name in enumerate(fields)
        )
        options = "".join(f"<Choice value={quoteattr(text)}/>" for text in texts)
        return (
            f'<View>{shown}<Choices name="label" toName="item_0" choice="single">'
            f"{options}</Choices></View>"
        )

    def create(self, name: str, labels: str, items: Sequence[dict[str, Any]]) -> Dataset:
        if self._found(name):
            raise NameTaken("dataset", name)
        content = {"title": name, "label_config": labels}
        project = self._required(self._api.call("POST", "/api/projects", content))
        try:
            self._import(project, items, set())
            return self._dataset(self._project(name))
        except StackfoldError:
            with suppress(StackfoldError, Missing):  # it would be there without its items
                self._api.call("DELETE", f"/api/projects/{project['id']}")
            raise

    def add(self, name: str, items: Sequence[dict[str, Any]]) -> int:
        project = self._project(name)
        known = {
            _digest(task["data"])
            for task in self._tasks(project, include="id,data")
            if isinstance(task.get("data"), Mapping)
        }
        return self._import(project, items, known)

    # -- private

    @property
    def _api(self) -> Api:
        if self._opened is None:
            settings = self.configuration
            token = settings.token
            self._opened = Api(settings.url, lambda: self.secret(token), settings.timeout)
        return self._opened

    def _import(
        self, project: Mapping[str, Any], items: Sequence[dict[str, Any]], known: set[str]
    ) -> int:
        """Add the items that are not known; returns their number."""
        new = []
        for item in items:
            digest = _digest(item)
            if digest not in known:
                known.add(digest)
                new.append({"data": item})
        for start in range(0, len(new), _BATCH):
            try:
                path = f"/api/projects/{project['id']}/import"
                self._api.call("POST", path, new[start : start + _BATCH])
            except Missing:
                raise self._strange() from None
        return len(new)

    def _found(self, name: str) -> list[dict[str, Any]]:
        """The projects of that name: Label Studio allows several."""
        found = self._api.pages("/api/projects", "results", 10_000, title=name, include=_FIELDS)
        return [self._required(each) for each in found if each.get("title") == name]

    def _project(self, name: str) -> dict[str, Any]:
        found = self._found(name)
        if not found:
            raise NotFound("dataset", name)
        if len(found) > 1:
            ids = ", ".join(str(each["id"]) for each in found)
            raise AnnotatorRejected(
                self.configuration.url,
                f"the projects {ids} are all named {name!r}: rename all but one",
            )
        return found[0]

    def _tasks(self, project: Mapping[str, Any], **more: str) -> Iterator[dict[str, Any]]:
        most = self.configuration.most_items
        query = {"project": project["id"], "fields": "all", **more}
        return self._api.pages("/api/tasks", "tasks", most, **query)

    def _people(self) -> dict[Any, str]:
        """Id of an account → its e-mail address."""
        try:
            answer = self._api.get("/api/users/")
        except Missing:
            answer = []
        found = answer if isinstance(answer, list) else []
        return {
            each.get("id"): str(each.get("email") or each.get("username") or each.get("id"))
            for each in found
            if isinstance(each, dict)
        }

    def _labels(self, task: Mapping[str, Any], people: Mapping[Any, str]) -> Iterator[LabelledItem]:
        try:
            for each in task["annotations"]:
                if not each["was_cancelled"]:  # skipped
                    by = each["completed_by"]
                    by = by.get("id") if isinstance(by, dict) else by
                    yield LabelledItem(
                        str(each["id"]),
                        dict(task["data"]),
                        labels_of(each["result"]),
                        people.get(by, str(by)),
                        _time(each["updated_at"]),
                    )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange() from None

    def _dataset(self, project: Mapping[str, Any]) -> Dataset:
        project = self._required(project)
        return Dataset(
            str(project["title"]),
            _number(project.get("task_number")),
            _number(project.get("num_tasks_with_annotations")),
            f"{self.configuration.url}/projects/{project['id']}/data",
        )

    def _required(self, project: Any) -> dict[str, Any]:
        if not isinstance(project, dict) or type(project.get("id")) is not int:
            raise self._strange()
        return project

    def _strange(self) -> AnnotatorUnavailable:
        problem = "its answer is not one of Label Studio: correct url"
        return AnnotatorUnavailable(self.configuration.url, problem)


def labels_of(result: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the labels of Label Studio's results, by name.

    A single choice, number or text is that value; several of them, and regions, are a list.

    Args:
        result: The results; each has the name of a tag and a value.
    """
    found: dict[str, list[Any]] = {}
    for each in result:
        if "from_name" not in each:
            continue  # a relation between regions
        value = each["value"]
        # A region has several keys, other labels have one, such as "choices".
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        values = value if isinstance(value, list) else [value]
        found.setdefault(each["from_name"], []).extend(values)
    return {
        name: values[0] if len(values) == 1 and not isinstance(values[0], dict) else values
        for name, values in found.items()
    }


def _digest(item: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(item).encode()).hexdigest()[:16]


def _number(value: Any) -> int:
    return value if type(value) is int else 0


def _time(text: str) -> datetime:
    return from_rfc3339(text).astimezone(UTC)
