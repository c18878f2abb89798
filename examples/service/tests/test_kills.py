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
from stack_service.tenants import opened
from stackfold import Workspace

USERS = 4
KILLS = 6
CHANGES_BETWEEN_KILLS = 20


class User:
    """Registers stacks, changes each several times, and approves it, until told to stop."""

    def __init__(self, name: str, url: str, stop: threading.Event) -> None:
        self.name = name
        self.acknowledged: dict[str, int] = {}
        """Id of a request → the revision in its answer."""
        self._stop = stop
        self._requests = 0
        self._client = httpx.Client(base_url=url, timeout=None)

    def work(self) -> None:
        with self._client:
            while not self._stop.is_set():
                with suppress(httpx.TransportError):  # the worker was killed
                    self._approve_a_stack()

    def _approve_a_stack(self) -> None:
        stack = f"{self.name}-{self._requests}"
        answer = self._request("POST", "/acme/stacks", {"name": stack})
        for number in range(3):
            changes = {"description": f"change {number}"}
            etag = answer.headers["ETag"]
            answer = self._request("PATCH", f"/acme/stacks/{stack}", changes, {"If-Match": etag})
        approval = self._request("POST", f"/acme/stacks/{stack}/approvals").json()["name"]
        self._request("POST", f"/acme/approvals/{approval}/grant", headers={"X-User": "approver"})

    def _request(
        self, method: str, path: str, content: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        self._requests += 1
        id = f"{self.name}-request-{self._requests}"
        headers = {"X-User": self.name, "X-Request-ID": id, **(headers or {})}
        answer = self._client.request(method, path, json=content, headers=headers)
        assert answer.is_success, answer.text
        self.acknowledged[id] = answer.json()["revision"]
        return answer


def killed_at_random(settings: dict[str, str], log: Path) -> dict[str, int]:
    """Kill workers while users work; returns what was acknowledged to them."""
    chance, stop = random.Random(11), threading.Event()
    with RunningService(settings, log) as service, ThreadPoolExecutor(USERS) as pool:
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
        for each in working:
            each.result()
    return {id: revision for user in users for id, revision in user.acknowledged.items()}


def test_no_acknowledged_change_is_lost_when_workers_are_killed(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged = killed_at_random(settings, tmp_path / "service.log")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with opened("acme") as ws:
        events = [*ws.log.events()]
        recorded = {(each.data.get("correlation_id"), each.revision) for each in events}
        assert acknowledged.items() <= recorded

        granted = [each.change for each in events if each.topic == "service.approval.granted"]
        updated = [each.change for each in events if "approved-by" in str(each.data.get("labels"))]
        assert granted == updated, "a grant and the label of its stack are one change"

        counted = activity(ws)
        assert counted == Counter(each.data["by"] for each in events)
        ws.run_projection(Activity(), rebuild=True, timeout=0)
        assert activity(ws) == counted
        assert ws.log.verify().intact


def activity(ws: Workspace) -> dict[str, int]:
    return dict(ws.query("SELECT by, events FROM stack_service_activity"))
