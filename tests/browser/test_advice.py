"""What a run shows to be wrong, on the page: settings for the next one by a click, and the way to the pictures."""

import shutil

import pytest

from .test_first_run import drop, option, wait_for_text

pytestmark = pytest.mark.acceptance

TOO_HIGH = "[data-code='advice_destroyed']"
CONTRADICTING = "[data-code='advice_contradicting_captions']"


@pytest.fixture
def lesson(tmp_path):
    """Pictures of a lesson, one of them there again under a caption that cannot be true as well."""
    from lora_trainer.pocket.lesson import NOVELTIES
    from lora_trainer.pocket.novelty import write_examples

    folder = write_examples(NOVELTIES[0], tmp_path / "lesson", count=6)
    shutil.copy(folder / "zorblat01.png", folder / "again.png")
    (folder / "again.txt").write_text("a zorblat, cyan background", encoding="utf-8")
    return folder


def test_advice_is_used_for_the_next_run_and_leads_to_the_pictures(page, lesson):
    drop(page, sorted(lesson.iterdir()))
    wait_for_text(page, ".lt-pictures", "7 with a caption")
    page.select_option("#lt-preset", "pocket")
    option(page, "save.name").fill("too-high")
    option(page, "data.trigger_word").fill("zorblat")
    option(page, "steps").fill("24")
    option(page, "data.batch_size").fill("2")
    option(page, "optimizer.learning_rate").fill("0.3")
    page.click(".lt-train")

    use = page.locator(f"{TOO_HIGH} .lt-use")
    use.wait_for()
    assert "0.3 to 0.03" in page.locator(f"{TOO_HIGH} p").inner_text()
    use.click()
    assert float(option(page, "optimizer.learning_rate").input_value()) == 0.03
    assert use.is_disabled() and "Set for the next run" in use.inner_text()

    page.locator(f"{CONTRADICTING} .lt-look").click()
    page.wait_for_selector("[data-check='captions_contradict']")
    wait_for_text(page, ".lt-state", "finished")
    page.reload()
    page.wait_for_selector(f"{TOO_HIGH} .lt-use")  # a past run is still talked about
