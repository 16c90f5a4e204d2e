"""The captions of all pictures edited together, saved, and put back; vocabularies changed from the page."""

import json
from pathlib import Path

import pytest

from .test_first_run import wait_for_text

pytestmark = pytest.mark.acceptance

CAPTIONS = {"1": "1girl, red hat, zorb", "2": "red hat, zorb", "3": "a photo of a zorb cat", "4": ""}
SHARED = Path(__file__).parents[1] / "tagging" / "captions.json"


@pytest.fixture
def folder(page, tmp_path):
    """Four pictures with captions, opened on the page where they lie."""
    from PIL import Image

    for name, caption in CAPTIONS.items():
        Image.new("RGB", (96, 96), (40 * int(name), 90, 160)).save(tmp_path / f"{name}.png")
        if caption:
            (tmp_path / f"{name}.txt").write_text(caption, encoding="utf-8")
    page.fill("#lt-folder", str(tmp_path))
    page.press("#lt-folder", "Enter")
    page.wait_for_selector(".lt-card")
    return tmp_path


def shown(page):
    return [card.get_attribute("data-name")[0] for card in page.locator(".lt-tagcard:visible").all()]


def chips(page, name):
    return page.locator(f".lt-tagcard[data-name='{name}.png'] .lt-chip").all_inner_texts()


def tag(page, name):
    return page.locator(f".lt-tagrow[data-key='{name}'] .lt-tagname")


def read(folder, name):
    return (folder / f"{name}.txt").read_text(encoding="utf-8").strip()


def test_captions_are_edited_together_saved_and_put_back(page, folder):
    page.click(".lt-edit")
    tag(page, "red hat").click()
    wait_for_text(page, ".lt-editor header", "2 of 4 pictures")
    assert shown(page) == ["1", "2"]

    page.select_option(".lt-tools-form select", "merge")
    page.fill("#lt-edit-tags", "red hat")
    page.fill("#lt-edit-into", "hat")
    page.click(".lt-operate")
    wait_for_text(page, ".lt-unsaved", "not saved: 2")
    page.locator(".lt-active .lt-link").last.click()
    assert chips(page, 1) == ["1girl", "hat", "zorb"] and read(folder, 1) == CAPTIONS["1"]

    page.select_option(".lt-tools-form select", "trigger")
    page.fill("#lt-edit-word", "zorb")
    page.click(".lt-operate")
    wait_for_text(page, ".lt-unsaved", "not saved: 3")
    page.locator(".lt-tagcard").first.press("Control+z")
    wait_for_text(page, ".lt-unsaved", "not saved: 2")
    page.locator(".lt-tagcard").first.press("Control+y")
    assert chips(page, 4) == ["zorb"] and chips(page, 1) == ["zorb", "1girl", "hat"]

    page.click(".lt-tagcard[data-name='4.png']")
    page.keyboard.press("Enter")
    page.keyboard.type("sunn")
    page.keyboard.press("Enter")
    wait_for_text(page, ".lt-one .lt-chips", "sunn")
    page.locator(".lt-one .lt-chip").last.press("Alt+ArrowLeft")
    assert chips(page, 4) == ["sunn", "zorb"]

    page.click(".lt-save")
    assert page.locator(".lt-diff").count() == 3
    assert page.locator(".lt-diff[data-name='2.png'] .lt-went").all_inner_texts() == ["red hat"]
    page.click(".lt-write")
    wait_for_text(page, ".lt-unsaved", "Everything is saved")
    assert [read(folder, name) for name in "1234"] == ["zorb, 1girl, hat", "zorb, hat", CAPTIONS["3"], "sunn, zorb"]
    page.get_by_text("Restore the captions from before").click()
    wait_for_text(page, ".lt-notices", "as they were before")
    assert {name: read(folder, name) for name in "123"} == {name: CAPTIONS[name] for name in "123"}
    assert not (folder / "4.txt").exists() and chips(page, 2) == ["red hat", "zorb"]


def test_what_others_wrote_is_not_overwritten_unasked_and_leaving_asks(page, folder):
    page.click(".lt-edit")
    for name in "12":
        page.click(f".lt-tagcard[data-name='{name}.png']")
        page.keyboard.press("Enter")
        page.keyboard.type("mine")
        page.keyboard.press("Enter")
    wait_for_text(page, ".lt-unsaved", "not saved: 2")
    (folder / "1.txt").write_text("theirs", encoding="utf-8")
    page.locator(".lt-one .lt-input").first.press("Control+s")
    page.click(".lt-write")
    page.wait_for_selector(".lt-version")
    assert [read(folder, name) for name in "12"] == ["theirs", CAPTIONS["2"]]
    page.get_by_role("button", name="Go on", exact=True).click()
    page.click(".lt-write")
    wait_for_text(page, ".lt-unsaved", "Everything is saved")
    assert [read(folder, name) for name in "12"] == ["theirs", f"{CAPTIONS['2']}, mine"]

    page.locator(".lt-one .lt-chip").last.press("Delete")
    page.click(".lt-close")
    page.get_by_text("Leave without saving?").wait_for()
    page.click(".lt-dialog .lt-danger")
    page.wait_for_selector(".lt-editor", state="detached")
    assert read(folder, 2) == f"{CAPTIONS['2']}, mine"


def test_the_page_takes_captions_apart_as_the_server_does(page):
    rows = json.loads(SHARED.read_text(encoding="utf-8"))
    module = page.evaluate(
        "() => performance.getEntriesByType('resource').map(one => one.name).find(name => name.endsWith('/tags.js'))"
    )
    split = "async ([module, captions]) => { const { split } = await import(module); return captions.map(split); }"
    assert page.evaluate(split, [module, [row["caption"] for row in rows]]) == [row["tags"] for row in rows]


def test_a_vocabulary_is_changed_and_reset(page, served, folder):
    file = served[1] / "data" / ".train-lora" / "captioners" / "vocabularies" / "colours.yaml"
    page.locator(".lt-captioning > summary").click()
    page.select_option("#lt-captions-with", "clip")
    page.click(".lt-open-vocabularies")
    page.locator(".lt-vocabularies").get_by_text("colours", exact=True).click()
    page.get_by_placeholder("Add words, with commas between them").fill("zorb blue, zorb green")
    page.keyboard.press("Enter")
    page.locator(".lt-vocabulary [data-word='zorb green'] .lt-off").click()
    page.wait_for_selector(".lt-vocabulary [data-word='zorb green']", state="detached")
    assert "zorb blue" in file.read_text(encoding="utf-8") and "zorb green" not in file.read_text(encoding="utf-8")
    page.click(".lt-vocabulary .lt-danger")
    page.locator(".lt-dialog .lt-danger").last.click()
    page.wait_for_selector(".lt-vocabulary [data-word='zorb blue']", state="detached")
    assert not file.exists()
