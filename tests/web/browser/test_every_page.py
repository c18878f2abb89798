"""What holds on every page that the overview leads to, in Chromium."""

import hashlib
from pathlib import Path

import pytest
from demo_pages import shape

pytestmark = pytest.mark.browser

VENDOR = Path(__file__).parent / "vendor"


def test_links_lead_to_all_pages(pages):
    assert {"/", "/runs", "/log"} <= {*pages}
    assert any("as_of=" in page for page in pages)


def test_no_link_is_broken(site, pages):
    assert pages
    assert site.broken == []


def test_axe_finds_no_violation_on_a_phone_or_a_desk_light_or_dark(seen):
    assert seen.axe == {}


def test_nothing_is_written_to_the_console(seen):
    assert seen.console == {}


def test_the_content_security_policy_blocks_nothing(seen):
    assert seen.csp == {}


def test_nothing_is_requested_from_elsewhere(seen):
    assert seen.elsewhere == {}


def test_no_recorded_text_opens_a_dialog(seen):
    assert seen.dialogs == {}


def test_no_page_scrolls_sideways(seen):
    assert seen.wider == {}


def test_without_scripts_every_page_has_its_content(without_scripts, site, pages):
    for path in pages:
        assert without_scripts.goto(site.origin + path).status == 200, path
        assert without_scripts.locator("main h1").count() == 1, path
        assert without_scripts.locator("main").inner_text().strip(), path


def test_everything_that_can_be_used_is_reached_by_the_tab_key(page, site, shapes):
    """Each page of a shape; the order is that of the document, and nothing keeps the focus."""
    for path in shapes:
        page.goto(site.origin + path)
        expected = page.evaluate(_EXPECT)
        for _ in range(2 * expected + 20):  # what is inside of a frame takes keys too
            page.keyboard.press("Tab")
            if page.evaluate(_FOCUSED):
                break
        assert page.evaluate(_MISSED) == [], f"{path} ({shape(path)})"


_USABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
_EXPECT = f"""
() => {{
  window.left = new Set([...document.querySelectorAll("{_USABLE}")].filter((each) =>
    !each.disabled && each.checkVisibility({{ visibilityProperty: true }}) &&
    (each.type !== "radio" || each.checked)));
  return window.left.size;
}}
"""
_FOCUSED = "() => { window.left.delete(document.activeElement); return !window.left.size; }"
# What a script has replaced in the meantime is no longer there.
_MISSED = """
() => [...window.left].filter((each) => each.isConnected)
  .map((each) => each.outerHTML.slice(0, 120))
"""


def test_axe_is_what_was_published():
    for line in (VENDOR / "VERSIONS").read_text(encoding="utf-8").splitlines():
        name, _, _, _, digest = line.split()
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
