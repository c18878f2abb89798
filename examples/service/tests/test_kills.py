"""Workers are killed at random while users change stacks: no acknowledged change is lost."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from running_service import RunningService

from stack_service.activity import Activity
from stack_service.app import opened

USERS = 4
KILLS = 6
CHANGES_BETWEEN_KILLS = 20


class User:
    """Registers stacks, and changes each several times, until told to stop."""

    def __init__(self, name: str, url: str, stop: threading.Event) -> None:
        self.name = name
        self.acknowledged: dict[str, int] = {}
        """Id of a request → the revision in its answer."""
        self._stop = stop
        self._requests = 0
        self._client = httpx.Client(base_url=url, headers={"X-User": name}, timeout=None)

    def work(self) -> None:
        with self._client:
            while not self._stop.is_set():
                with suppress(httpx.TransportError):  # the worker was killed
                    self._change_a_stack()

    def _change_a_stack(self) -> None:
        stack = f"{self.name}-{self._requests}"
        etag = self._request("POST", "/acme/stacks", {"name": stack})
        for number in range(5):
            changes = {"description": f"change {number}"}
            etag = self._request("PATCH", f"/acme/stacks/{stack}", changes, etag)

    def _request(self, method: str, path: str, content: object, etag: str = "") -> str:
        self._requests += 1
        id = f"{self.name}-request-{self._requests}"
        headers = {"X-Request-ID": id} | ({"If-Match": etag} if etag else {})
        answer = self._client.request(method, path, json=content, headers=headers)
        assert answer.is_success, answer.text
        self.acknowledged[id] = answer.json()["revision"]
        return answer.headers["ETag"]


def test_no_acknowledged_change_is_lost_when_workers_are_killed(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, stop = random.Random(11), threading.Event()
    acknowledged: dict[str, int] = {}
    with RunningService(settings, tmp_path / "log") as service, ThreadPoolExecutor(USERS) as pool:
        users = [User(f"user{number}", service.url, stop) for number in range(USERS)]
        working = [pool.submit(user.work) for user in users]
        try:
            for kill in range(1, KILLS + 1):
                while sum(len(user.acknowledged) for user in users) < kill * CHANGES_BETWEEN_KILLS:
                    assert not any(each.done() for each in working), "a user gave up"
                    time.sleep(0.01)
                service.kill_a_worker(chance)
        finally:
            stop.set()
        for user, each in zip(users, working, strict=True):
            each.result()
            acknowledged |= user.acknowledged

    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with opened("acme") as ws:
        events = [*ws.log.events()]
        recorded = {each.data.get("correlation_id"): each.revision for each in events}
        assert acknowledged.items() <= recorded.items()
        by_user = Counter(each.data["by"] for each in events)
        activity = ws.query("SELECT by, events FROM stack_service_activity")
        assert dict(activity) == by_user
        ws.run_projection(Activity(), rebuild=True, timeout=0)
        assert sorted(ws.query("SELECT by, events FROM stack_service_activity")) == sorted(activity)
        assert ws.log.verify().intact
