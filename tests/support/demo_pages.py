"""The pages of a demo log: served by `stackfold ui`, and found by following their links."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

SUPPORT = Path(__file__).parent
OF_A_SHAPE = 2
"""How many pages are visited whose addresses differ only in names and values."""
MOST = 60
"""The largest number of pages that are visited."""


class Demo:
    """A running server."""

    def __init__(self, address: str, pid: int) -> None:
        """Create it from the address that the server printed, and its process."""
        self.pid = pid
        self.broken: list[str] = []
        """Links that lead to no page; filled by `pages`."""
        self.address = address
        parts = urlsplit(address)
        self.origin = f"{parts.scheme}://{parts.netloc}"

    def pages(self) -> list[str]:
        """The paths of pages, found by following links from the overview, with their queries."""
        found, queue, shapes = [], ["/"], Counter[str]()
        with httpx.Client(follow_redirects=True, timeout=60) as browser:
            browser.get(self.address)
            while queue and len(found) < MOST:
                path = queue.pop(0)
                answer = browser.get(self.origin + path)
                if answer.status_code != 200:
                    self.broken.append(f"{path}: {answer.status_code}")
                    continue
                if "text/html" not in answer.headers.get("content-type", ""):
                    continue
                found.append(path)
                for link in links(answer.text):
                    known = link in queue or link in found
                    if not known and shapes[shape(link)] < OF_A_SHAPE:
                        queue.append(link)
                        shapes[shape(link)] += 1
        return found


def links(html: str) -> list[str]:
    """The addresses of pages that a page links to, without fragments.

    Previews are no pages, but what users wrote, in a sandbox.
    """
    hrefs = re.findall(r"<a\b[^>]*?\shref=\"([^\"]+)\"", html)
    paths = [unescape(href).partition("#")[0] for href in hrefs]
    return [path for path in dict.fromkeys(paths) if re.match(r"/(?!/|previews/)", path)]


def shape(path: str) -> str:
    """What pages share whose addresses differ only in names, values and the position."""
    parts = urlsplit(path)
    folders = parts.path.strip("/").split("/")
    fields = sorted({name for name, _ in parse_qsl(parts.query)})
    if "as_of" in fields:
        fields = ["as_of"]
    return f"{folders[0]}/{len(folders)}?{','.join(fields)}"


@contextmanager
def served(home: Path, *options: str) -> Iterator[Demo]:
    """Serve the log of a folder by `stackfold ui`."""
    command = [sys.executable, "-m", "stackfold", "ui", "--no-browser", "--port", "0", *options]
    environment = {
        **os.environ,
        "STACKFOLD_HOME": str(home),
        "STACKFOLD_ACTOR": "ada@example.com",
        "PYTHONPATH": str(SUPPORT),
    }
    process = subprocess.Popen(
        command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        printed = process.stdout.readline().strip()
        assert printed.startswith("http://"), printed or "the server printed nothing"
        yield Demo(printed, process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
