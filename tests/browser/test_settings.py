"""Presets of one's own and regularization pictures, from the page."""

import pytest

from tests.runs import draw_pictures

from .test_first_run import drop, option, text, wait_for_text

pytestmark = pytest.mark.acceptance


def dialog(page, words):
    page.locator(".lt-dialog .lt-button", has_text=words).last.click()


def tool(page, words):
    page.locator(".lt-preset-tools button", has_text=words).click()


def test_a_preset_is_kept_shared_deleted_and_imported(page):
    page.select_option("#lt-preset", "sd1-style")
    option(page, "network.rank").fill("4")
    tool(page, "Keep as a preset")
    page.fill("#lt-preset-title", "Soft")
    page.fill("#lt-preset-why", "For my watercolours.")
    dialog(page, "Keep as a preset")
    wait_for_text(page, ".lt-why", "For my watercolours.")
    tool(page, "Share")
    shared = page.locator(".lt-dialog textarea").input_value()
    assert "rank: 4" in shared and "conv_rank: 8" in shared
    dialog(page, "Close")
    tool(page, "Delete")
    dialog(page, "Delete")
    page.locator(".lt-preset-tools button", has_text="Delete").wait_for(state="hidden")
    assert option(page, "network.rank").input_value() == "4"  # the form stays as it is
    tool(page, "Import")
    page.fill("#lt-preset-text", "title: x\nvalues: {network: {rank: 0, rnak: 2}}")
    dialog(page, "Import")
    wait_for_text(page, ".lt-dialog .lt-problems", "rnak")
    page.fill("#lt-preset-text", shared)
    dialog(page, "Import")
    wait_for_text(page, ".lt-why", "For my watercolours.")
    assert "For pocket" in page.locator("#lt-preset optgroup").first.get_attribute("label")


def test_pictures_of_the_class_are_drawn_and_entered_in_the_run(page, tmp_path):
    page.select_option("#lt-preset", "pocket")
    option(page, "save.name").fill("zorb")
    drop(page, sorted(draw_pictures(tmp_path).iterdir()))
    page.wait_for_selector(".lt-card")
    page.locator(".lt-regularization > summary").click()
    page.fill("#lt-prior-prompts", "a small red circle\na large green square")
    page.fill("#lt-prior-count", "2")
    page.locator(".lt-regularization .lt-button", has_text="Draw them").click()
    wait_for_text(page, ".lt-regularization [role=status]", "2 drawn")
    assert page.locator(".lt-prior img").count() == 2
    page.locator(".lt-regularization .lt-primary").click()
    page.wait_for_function(
        """() => document.querySelector("#lora_trainer_page").shadowRoot
            .querySelector("#lt-prior-set").selectedOptions[0]?.textContent.includes("class a small red circle (2)")"""
    )
    wait_for_text(page, ".lt-sentence", "4 pictures")
    assert not text(page, ".lt-summary .lt-problems")
