"""The pages by the keyboard only, and forms without scripts, in Chromium."""

import re

import pytest

pytestmark = pytest.mark.browser


def test_the_first_key_offers_to_skip_to_the_page(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_navigation_is_followed_by_the_keyboard(page):
    page.locator("nav").get_by_role("link", name="Runs").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs")
    assert page.locator("h1").inner_text() == "Runs"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_runs_are_filtered_by_typing(browser, site, scripts):
    with browser.new_context(java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(site.address)
        page.goto(f"{site.origin}/runs")
        before = page.locator("tbody tr").count()
        page.get_by_label("status", exact=True).focus()
        page.keyboard.type("failed")
        page.keyboard.press("Enter")
        page.wait_for_url("**status=failed**")
        assert 0 < page.locator("tbody tr").count() < before


def test_a_command_is_copied_by_the_keyboard(page):
    button = page.locator("[data-copy]").first
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "(button) => button.textContent === 'Copied'", arg=button.element_handle()
    )


def test_a_position_opens_the_page_as_it_was(page):
    page.locator("a.position").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"as_of=\d+"))
    assert page.get_by_text("Back to now").is_visible()
