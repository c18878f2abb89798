"""Changes that a browser makes: forms as pages show them, filled and sent."""

import asyncio
import re
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlencode

import httpx
from browsing import get

from stackfold import Workspace

HERE = "http://127.0.0.1:8470"


@contextmanager
def changed():
    """A workspace where "prod" is active, and its store was changed at the end."""
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        workspace.components.register("artifact_store", "lake", "local")
        workspace.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.stacks.copy("default", "dev")
        workspace.components.update("artifact_store", "lake", {"path": "/data/lake"}, why="full")
        yield workspace


def post(app, url, form, **headers):
    """Send a form as a browser does; names of headers have `_` for `-`."""
    sent = {"origin": HERE, "sec-fetch-site": "same-origin"}
    sent |= {"content-type": "application/x-www-form-urlencoded"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}

    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            body = form if isinstance(form, bytes) else urlencode(form)
            given = {name: value for name, value in sent.items() if value}
            return await client.post(url, content=body, headers=given)

    return asyncio.run(ask())


def form_of(app, url, **headers):
    """The address and the fields of the form on a page."""
    answer = get(app, url, **headers)
    assert answer.status_code == 200, answer.text
    return fields_of(answer.text)


def fields_of(html):
    action = unescape(re.search(r'method="post" action="([^"]+)"', html)[1])
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)
    return action, {name: unescape(value) for name, value in hidden}


def confirm(app, url, why="a reason", **more):
    action, fields = form_of(app, url)
    return post(app, action, {**fields, "why": why, **more})


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(html)))


def before_the_update(ws):
    return next(each.position for each in ws.log.entries() if each.action == "updated") - 1


def revert_url(ws, **more):
    return f"/changes/revert?{urlencode({'stack': 'prod', 'to': before_the_update(ws), **more})}"


def path_of(ws):
    return ws.components.get("artifact_store", "lake").configuration.get("path")
