"""A whole first run in a real browser, from dropped pictures to a kept LoRA, on the embedded base."""

import json

import pytest

from lora_trainer.files.read import read_lora

from .conftest import open_page

pytestmark = pytest.mark.acceptance

STEPS = 24


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    from lora_trainer.pocket.lesson import NOVELTIES
    from lora_trainer.pocket.novelty import write_examples

    return write_examples(NOVELTIES[0], tmp_path_factory.mktemp("lesson"))


def drop(page, files):
    """Drop files onto the zone, as from a desktop."""
    given = [{"name": file.name, "bytes": list(file.read_bytes())} for file in files]
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const { name, bytes } of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        given,
    )
    page.locator(".lt-drop").dispatch_event("drop", {"dataTransfer": transfer})


def option(page, path):
    """The control of an option, with the folds open that it lies in."""
    control = page.locator(f"[data-path='{path}'] .lt-input")
    control.evaluate("one => { while ((one = one.parentElement?.closest('details'))) one.open = true; }")
    return control


def text(page, selector):
    return page.locator(selector).inner_text()


def wait_for_text(page, selector, wanted):
    page.wait_for_function(
        """([selector, wanted]) => {
            const root = document.querySelector("#lora_trainer_page").shadowRoot;
            return root.querySelector(selector)?.textContent.includes(wanted);
        }""",
        arg=[selector, wanted],
    )


def test_a_first_run_from_dropped_pictures_to_a_kept_lora(page, browser, served, lesson):
    address, folder = served
    drop(page, sorted(lesson.iterdir()))
    page.wait_for_selector(".lt-card")
    pictures = len(list(lesson.glob("*.png")))
    wait_for_text(page, ".lt-pictures", f"{pictures} pictures, {pictures} with a caption")

    page.select_option("#lt-preset", "pocket")
    option(page, "save.name").fill("zorb")
    option(page, "data.trigger_word").fill("zorblat")
    option(page, "steps").fill(str(STEPS))
    option(page, "data.batch_size").fill("2")
    option(page, "save.every").fill("8")
    wait_for_text(page, ".lt-sentence", f"= {STEPS} steps")

    page.click(".lt-train")
    wait_for_text(page, ".lt-numbers", f"of {STEPS}")
    open_page(page, address)  # a reload finds the running job again
    assert "zorb" in text(page, ".lt-state")
    page.click(".lt-pause")
    wait_for_text(page, ".lt-state", "paused")
    page.click(".lt-pause")
    wait_for_text(page, ".lt-state", "finished")
    assert page.locator(".lt-line-smooth").get_attribute("points").count(",") == STEPS
    assert page.locator(".lt-sample-row").count() == 3

    wait_for_text(page, ".lt-try", "45 pictures: click the best one")  # drawn by itself, also without the word
    wait_for_text(page, ".lt-proposal", "Proposed: step")
    assert page.locator(".lt-proposed").count() == 3 and page.locator(".lt-cell[aria-pressed='true']").count() == 1
    second = browser.new_page()
    open_page(second, address)
    second.wait_for_selector(".lt-cell img")
    assert second.locator(".lt-cell img").count() == 45
    assert (
        option(second, "save.name").input_value() == "zorb" and second.locator("#lt-preset").input_value() == "pocket"
    )
    assert second.locator(".lt-card").count() == pictures
    second.close()

    page.fill("#lt-try-prompts", "zorblat on a blue background")
    page.fill("#lt-try-strengths", "0, 0.6, 1")
    page.locator(".lt-try summary").click()
    page.fill("#lt-try-steps", "6")
    page.click(".lt-draw")
    wait_for_text(page, ".lt-try", "9 pictures: click the best one")
    page.locator(".lt-cell").nth(4).click()
    wait_for_text(page, ".lt-chosen", "step 16 at strength 0.6")
    page.click(".lt-keep")
    wait_for_text(page, ".lt-chosen", "<lora:zorb:0.6>")

    kept = folder / "data" / "loras" / "zorb.safetensors"
    assert read_lora(kept).metadata["ss_output_name"] == "zorb"
    card = json.loads(kept.with_suffix(".json").read_text(encoding="utf-8"))
    assert (card["activation text"], card["preferred weight"]) == ("zorblat", 0.6)

    page.click(".lt-use")
    wait_for_text(page, ".lt-notices", "is copied")
    assert page.evaluate("navigator.clipboard.readText()") == "zorblat <lora:zorb:0.6>"


def test_a_running_training_pauses_to_be_tried_and_goes_on_and_nothing_that_was_written_is_lost(page, served, browser):
    address, _ = served
    page.wait_for_selector(".lt-card")
    option(page, "save.name").fill("paused")
    option(page, "steps").fill("400")
    wait_for_text(page, ".lt-sentence", "400 steps")
    page.click(".lt-train")
    wait_for_text(page, ".lt-numbers", "of 400")
    assert "running training “paused”" in text(page, ".lt-origin")
    option(page, "save.name").fill("next")
    wait_for_text(page, ".lt-origin", "For the next training")
    page.click(".lt-bar button")
    wait_for_text(page, ".lt-bar", "is paused at step")
    page.wait_for_selector(".lt-cell img")
    open_page(page, address)
    assert option(page, "save.name").input_value() == "paused"
    page.click(".lt-mine")
    assert option(page, "save.name").input_value() == "next"
    page.click(".lt-bar button")
    wait_for_text(page, ".lt-state", "training")
    page.click(".lt-stop")
    page.click(".lt-dialog .lt-danger")
    wait_for_text(page, ".lt-state", "stopped")
