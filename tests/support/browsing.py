"""Requests to the pages, as a browser makes them, and a log with texts that attack a page."""

import asyncio

import httpx

from stackfold import Workspace, pipeline, step
from stackfold.errors import RunFailed
from stackfold.web import WITHOUT_KEY, create_app

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}\u202e"
KEY = "a-key-of-many-characters"


def get(app, url="/", method="GET", root_path="", port=8470, **headers):
    """Answer one request; names of headers have `_` for `-`."""

    async def ask():
        transport = httpx.ASGITransport(app=app, root_path=root_path)
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, url, headers=named)

    return asyncio.run(ask())


@step
def load(fail: bool) -> int:
    if fail:
        raise ValueError(HOSTILE)
    return 1


@pipeline
def training(fail: bool = False):
    load(fail)


def history():
    """A workspace with three runs on "prod"; the last two, after a change of its store, failed."""
    ws = Workspace.in_memory(actor="eve@example.com")
    ws.components.register("artifact_store", "lake", "local", why=HOSTILE)
    ws.stacks.register(
        "prod",
        orchestrator="default",
        artifact_store="lake",
        description=HOSTILE,
        labels={"tier": HOSTILE},
        activate=True,
    )
    ws.runs.start(training)
    ws.components.update("artifact_store", "lake", {"path": HOSTILE}, why="the lake is full")
    for _ in range(2):
        try:
            ws.runs.start(training, {"fail": True})
        except RunFailed:
            continue
        raise AssertionError("the run did not fail")
    return ws


def app_of(workspace, **options):
    return create_app(workspace, **{"key": WITHOUT_KEY, **options})
