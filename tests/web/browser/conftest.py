"""A demo log, its pages in Chromium, and what was seen on each; made once."""

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chromium import SCHEMES, SIZES, chromium
from demo_pages import served, shape
from demo_store import demo, end

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that depend on colours, which are all that light and dark differ in."""
_RECORD_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (each) =>
  window.violations.push(`${each.violatedDirective} ${each.blockedURI}`));
"""
_RUN_AXE = """
async (rules) => (await axe.run(document, {
  runOnly: rules, resultTypes: ["violations"],
})).violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`))
"""
_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Seen(NamedTuple):
    """What was seen, by page; nothing should have been."""

    axe: dict[str, set[str]]
    """Violations of WCAG 2.2, levels A and AA, and of axe's best practices."""
    console: dict[str, set[str]]
    """Errors and warnings in the console, and exceptions of scripts."""
    csp: dict[str, set[str]]
    """What the content security policy blocked."""
    elsewhere: dict[str, set[str]]
    """Requests to other servers."""
    dialogs: dict[str, set[str]]
    """Dialogs of scripts in recorded texts."""
    wider: dict[str, set[str]]
    """Pages that scroll sideways."""


@pytest.fixture(scope="session")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def site(browser, tmp_path_factory):
    """The running server; no log is made if there is no browser."""
    home = tmp_path_factory.mktemp("demo") / "home"
    ws = demo(home)
    try:
        with served(home) as running:
            yield running
    finally:
        end(ws)


@pytest.fixture(scope="session")
def pages(site):
    return site.pages()


@pytest.fixture(scope="session")
def shapes(pages):
    """One page of each shape."""
    return [*{shape(page): page for page in reversed(pages)}.values()]


@pytest.fixture
def page(browser, site):
    """A tab on the overview."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.goto(site.address)
        yield opened


@pytest.fixture
def without_scripts(browser, site):
    """A tab that executes no script."""
    with browser.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto(site.address)
        yield opened


@pytest.fixture(scope="session")
def seen(browser, site, pages):
    """Visit each page on a phone and a desk, light and dark."""
    found = Seen(*(defaultdict(set) for _ in Seen._fields))
    source = AXE.read_text(encoding="utf-8")
    with browser.new_context() as context:
        context.add_init_script(_RECORD_VIOLATIONS)
        tab = context.new_page()
        tab.goto(site.address)
        at = ["/"]
        _watch(tab, site, found, at)
        for path in pages:
            at[0] = path
            tab.goto(site.origin + path)
            tab.evaluate(source)
            for name, (width, height) in SIZES.items():
                tab.set_viewport_size({"width": width, "height": height})
                if tab.evaluate(_WIDER):
                    found.wider[path].add(name)
                for scheme, rules in zip(SCHEMES, (EVERY_RULE, COLOURS), strict=True):
                    tab.emulate_media(color_scheme=scheme)
                    found.axe[path].update(tab.evaluate(_RUN_AXE, rules))
            found.csp[path].update(tab.evaluate("window.violations"))
    return Seen(*({path: what for path, what in each.items() if what} for each in found))


def _watch(tab: Any, site: Any, found: Seen, at: list[str]) -> None:
    """Record what happens in a tab under the page that it is at."""

    def said(message: Any) -> None:
        if message.type in {"error", "warning"}:
            found.console[at[0]].add(message.text)

    def requested(request: Any) -> None:
        if not request.url.startswith((f"{site.origin}/", "data:", "blob:", "about:")):
            found.elsewhere[at[0]].add(request.url)

    def asked(dialog: Any) -> None:
        found.dialogs[at[0]].add(dialog.message)
        dialog.dismiss()

    tab.on("console", said)
    tab.on("pageerror", lambda error: found.console[at[0]].add(str(error)))
    tab.on("request", requested)
    tab.on("dialog", asked)
