"""CPU of each page's second request, and the memory of the server, at 100,000 events.

    python benchmarks/bench_web.py [--runs 8400] [--scratch FOLDER] [--no-postgres] [PATH ...]

The log has 8,400 runs of ten steps on four stacks, and a change of a stack or store before every
tenth of them. Pages are those that links from the overview lead to, one of each kind, and some of
the log with filters that find nothing. CPU is that of the process, with SQLite in it; of the
server of PostgreSQL, only the time that the page waits for it is in the second column.
"""

import argparse
import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

import httpx  # noqa: E402  # the path must be set first
import orjson  # noqa: E402
from demo_pages import links, served, shape  # noqa: E402
from postgres_server import started  # noqa: E402

from stackfold import Workspace, get_context, pipeline, step  # noqa: E402
from stackfold.infrastructure.eventstore.canonical_json import canonical_json  # noqa: E402
from stackfold.infrastructure.eventstore.hash_chain import Record, chained  # noqa: E402
from stackfold.infrastructure.eventstore.records import head, records  # noqa: E402
from stackfold.web import WITHOUT_KEY, create_app  # noqa: E402

GOAL, MEMORY_GOAL = 50.0, 80.0
TURNS = 5
STACKS = ("prod", "nightly", "staging", "trial")
MODELS, VERSIONS = 50, 2000
FURTHER = (
    "/log?by=nobody",
    "/log?by=nobody&all=1",
    "/log?by=eve&all=1",
    "/log?name=nothing&all=1",
    "/models/model-0?all=1",
    "/models/model-0/versions/500",
    "/models/model-0?as_of=20000",
    "/models/model-7",
    "/models/model-0/compare?versions=1,500",
    "/runs?sort=-auc",
    "/runs?where=auc+%3E+5",
    "/runs?where=param.rate+%3E+5",
)
"""Pages that no link leads to."""


# -- a log of many runs


@step
def first(rate: float) -> float:
    return rate


@step
def follow(value: float) -> float:
    get_context().log_metadata({"auc": 0.9 + value / 100, "loss": value})
    return value


@pipeline
def training(rate: float = 0.1):
    value = first(rate)
    for _ in range(9):
        value = follow(value)


def filled(home: Path, runs: int) -> Workspace:
    """A workspace whose log has copies of a real run of each stack, and changes among them."""
    ws = Workspace.open(home, actor="ada@example.com")
    ws.components.register("artifact_store", "lake", "local")
    for name in STACKS:
        ws.stacks.register(name, orchestrator="default", artifact_store="lake")
    ws.stacks.activate("prod")
    for name in STACKS:
        ws.runs.start(training, {"rate": 0.1 + len(name)}, stack=name)
    with ws._database.write() as cursor:
        cursor.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", copies(ws, runs - len(STACKS))
        )
    ws.log.rebuild()
    ws._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    return ws


def copies(ws: Workspace, runs: int) -> Iterator[Record]:
    """The events of runs and changes, as the log would have recorded them in three weeks."""
    position, recorded_at, previous = head(ws._database)
    templates: dict[str, list[Record]] = {}
    for record in records(ws._database):
        if record.topic.startswith("run."):
            templates.setdefault(record.originator_id, []).append(record)
    stores = {view.id: 1 for view in ws.components.list("artifact_store") if view.name == "lake"}
    stacks = {view.id: 1 for view in ws.stacks.list() if view.name != "default"}
    revisions = {**stores, **stacks}
    moment = datetime.fromisoformat(recorded_at)
    pause = timedelta(seconds=1)
    for number in range(runs):
        events = []
        if not number % 10:
            id = [*revisions][number // 10 % len(revisions)]
            revisions[id] += 1
            events.append((id, revisions[id], *changed(id in stores, number)))
        events += in_models([*of_a_run(templates, number)], number)
        for id, revision, topic, facts in events:
            position += 1
            moment += pause
            facts["timestamp"] = moment.astimezone(UTC).isoformat(timespec="microseconds")
            columns = (
                position,
                position,
                moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
                id,
                revision,
                topic,
                canonical_json(facts),
            )
            previous = chained(previous, *columns)
            yield Record(*columns, hash=previous)


def changed(store: bool, number: int) -> tuple[str, dict[str, Any]]:
    """The topic and the facts of a change."""
    facts: dict[str, Any] = {"by": "bob@example.com", "labels": {}, "why": "must be measured"}
    if store:
        return "component.updated", {**facts, "configuration": {"path": f"/data/{number}"}}
    return "stack.updated", {**facts, "components": {}, "description": f"round {number}"}


def of_a_run(
    templates: dict[str, list[Record]], number: int
) -> Iterator[tuple[str, int, str, dict[str, Any]]]:
    """The events of a copy of a run, with ids of its own."""
    original = [*templates][number % len(templates)]
    ids = {original: str(uuid.UUID(int=number + 1))}
    for record in templates[original]:
        facts = orjson.loads(record.state)
        for at, output in enumerate(facts.get("outputs", ())):
            ids[output["id"]] = str(uuid.uuid5(uuid.UUID(int=number + 1), f"{facts['step']}{at}"))
        text = re.sub(
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}",
            lambda match: ids.get(match[0], match[0]),
            record.state.decode(),
        )
        facts = orjson.loads(text)
        if record.topic == "run.started":
            facts["name"] = f"training-{number:08x}"
        yield ids[original], record.originator_version, record.topic, facts


def in_models(
    events: list[tuple[str, int, str, dict[str, Any]]], number: int
) -> Iterator[tuple[str, int, str, dict[str, Any]]]:
    """The events of a run, which makes a version of a model if it is one of the first ones.

    The first model has half of the versions; every tenth one of them is promoted.
    """
    if number >= VERSIONS:
        yield from events
        return
    at = 0 if number % 2 else number // 2 % MODELS
    made = number // 2 + 1 if not at else number // 2 // MODELS + 1
    if not at and not number % 2:
        yield from events  # of the first model, those with odd numbers only
        return
    model, version = (str(uuid.uuid5(uuid.UUID(int=at), f"{each}")) for each in ("m", made))
    said = {"by": "eve@example.com", "why": ""}
    (run, revision, topic, started), *rest = events
    yield run, revision, topic, {**started, "model_version": version}
    if made == 1:
        facts = {"originator_topic": "model", "name": f"model-{at}", "description": "", "tags": []}
        yield model, 1, "model.registered", {**said, **facts}
    yield (
        version,
        1,
        "model_version.opened",
        {
            **said,
            "originator_topic": "model_version",
            "model": model,
            "run": run,
            "name": f"model-{at}@{made}",
            "number": made,
            "stack": "prod",
            "tags": [],
            "stack_id": str(uuid.UUID(int=1)),
            "stack_revision": 1,
        },
    )
    yield from rest
    yield version, 2, "model_version.completed", said
    if made % 10 == 1:
        verdict = {"rule": "auc >= 0.9", "passed": True, "findings": ["auc >= 0.9: true"]}
        facts = {"alias": "production", "version": version, "number": made, "verdict": verdict}
        facts["replaces"] = made - 10 if made > 10 else None
        yield model, 2 + made // 10, "model.promoted", {**said, **facts, "why": "it is better"}


# -- requests


class Browser:
    """Asks the application, without a network."""

    def __init__(self, ws: Workspace) -> None:
        self._app = create_app(ws, key=WITHOUT_KEY)
        self._loop = asyncio.new_event_loop()

    def get(self, url: str) -> tuple[int, str]:
        return self._loop.run_until_complete(self._get(url))

    async def _get(self, url: str) -> tuple[int, str]:
        parts = urlsplit(url)
        scope = {
            "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1",
            "path": parts.path, "raw_path": parts.path.encode(), "root_path": "",
            "query_string": parts.query.encode(), "headers": [(b"host", b"127.0.0.1")],
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        status, body = 0, b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")

        await self._app(scope, receive, send)
        return status, body.decode(errors="replace")

    def pages(self) -> list[str]:
        """One page of each kind, and those that no link leads to."""
        found, queue, known = [], ["/"], {shape("/")}
        while queue:
            path = queue.pop(0)
            status, html = self.get(path)
            if status != 200 or not html.startswith("<!doctype html>"):
                print(f"no page: {path} ({status})")
                continue
            found.append(path)
            for link in links(html):
                if shape(link) not in known:
                    known.add(shape(link))
                    queue.append(link)
        return [*found, *FURTHER]


def measured(ws: Workspace, paths: list[str]) -> None:
    """Print what the second request of each page costs."""
    browser = Browser(ws)
    print(f"| page | CPU ms, at most {GOAL:g} | elapsed ms | kB |")
    print("| --- | ---: | ---: | ---: |")
    for path in paths or browser.pages():
        status, html = browser.get(path)
        assert status == 200, (path, html[-300:])
        cpu, elapsed = [], []
        for _ in range(TURNS):
            begun, spent = time.perf_counter(), time.process_time()
            browser.get(path)
            cpu.append(time.process_time() - spent)
            elapsed.append(time.perf_counter() - begun)
        slow = " (slow)" if 1000 * min(cpu) > GOAL else ""
        print(
            f"| `{path}` | {1000 * min(cpu):.1f}{slow} | {1000 * statistics.median(elapsed):.1f}"
            f" | {len(html) / 1000:.0f} |",
            flush=True,
        )


def memory(home: Path) -> None:
    """Print the resident memory of `stackfold ui` after its pages were read."""
    with served(home) as site, httpx.Client(follow_redirects=True, timeout=60) as browser:
        browser.get(site.address)
        for path in ("/", "/runs", "/log", "/log?all=1"):
            browser.get(site.origin + path)
        status = Path("/proc", str(site.pid), "status")
        if status.exists():
            kilobytes = int(re.findall(r"VmRSS:\s+(\d+)", status.read_text())[0])
            print(f"\nmemory of the server: {kilobytes / 1024:.0f} MiB, at most {MEMORY_GOAL:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8400)
    parser.add_argument("--scratch", type=Path, help="where to put the log")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("paths", nargs="*", metavar="PATH")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-web-", dir=given.scratch) as folder:
        home = Path(folder, "home")
        os.environ["STACKFOLD_HOME"] = str(home)
        with filled(home, given.runs) as ws:
            print(f"\n{ws.log.head().position:,} events, {given.runs:,} runs, SQLite\n")
            measured(ws, given.paths)
        memory(home)
        if not given.no_postgres:
            on_postgres(home, Path(folder, "log.jsonl"), given.paths)


def on_postgres(home: Path, file: Path, paths: list[str]) -> None:
    """Measure the same log in PostgreSQL."""
    with Workspace.open(home) as ws:
        ws.log.export(file)
    for server in started(("shared_buffers=256MB",)):
        server.execute("CREATE DATABASE pages")
        url = server.url("pages")
        Workspace.import_log(file, store=url)
        server.execute("VACUUM ANALYZE", "pages")
        print("\nPostgreSQL\n")
        with Workspace.open(store=url) as ws:
            measured(ws, paths)


if __name__ == "__main__":
    main()
