"""Channels of notices, and the browser's own, from the page."""

import pytest

from tests.notices.servers import web_server

from .conftest import open_page
from .test_first_run import wait_for_text

pytestmark = pytest.mark.acceptance

STAND_IN = """
    window.shown = [];
    window.Notification = class {
        static permission = "default";
        static async requestPermission() { this.permission = "granted"; }
        constructor(title) { window.shown.push(title); }
    };"""
"""In place of the browser's own, which asks its user and shows nothing without a window."""


def test_a_channel_is_set_up_tried_and_removed(page):
    page.locator(".lt-notify summary").click()
    with web_server() as (address, posted):
        page.select_option("#lt-channel-kind", "webhook")
        page.fill("#lt-channel-name", "phone")
        page.fill("#lt-channel-url", f"{address}/s3cret")
        page.click(".lt-add-channel")
        page.click(".lt-test-channel")
        wait_for_text(page, ".lt-outcome", "came through")
    assert posted[0][0] == "/s3cret" and "s3cret" not in page.locator(".lt-notify").inner_html()
    page.locator(".lt-channels li button", has_text="×").click()
    page.locator(".lt-dialog .lt-button", has_text="Remove").last.click()
    page.locator(".lt-channels li").wait_for(state="detached")


def test_the_browser_is_asked_on_a_click_and_shows_how_it_looks(page, served):
    page.add_init_script(STAND_IN)
    open_page(page, served[0])
    page.locator(".lt-notify summary").click()
    page.check("#lt-browser-notices")
    page.locator(".lt-test-browser:not([disabled])").click()
    assert page.evaluate("window.shown") == ["Train LoRA: this is how it looks"]
