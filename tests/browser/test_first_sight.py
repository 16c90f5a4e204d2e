"""What somebody meets who opens the page for the first time, makes mistakes, and lines up a second run."""

import pytest

from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from tests.jobs.light import Waiting
from tests.runs import draw_pictures

from .conftest import open_page
from .test_first_run import option, text, wait_for_text
from .test_live import serving

pytestmark = pytest.mark.acceptance

ACTIVE = "document.querySelector('#lora_trainer_page').shadowRoot.activeElement"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk whose runs go on until somebody pauses them."""
    folder = tmp_path_factory.mktemp("sight")
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, folder / "loras", folder / "data")
    runner = Waiting()
    made = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=runner))
    made.habits.turn(grid_at_end=False)
    yield made
    runner.ends.set()
    made.jobs.close()


@pytest.fixture(scope="module")
def served(desk, tmp_path_factory):
    with serving(desk) as address:
        yield address, tmp_path_factory.mktemp("pictures")


@pytest.fixture
def folder(page, served):
    """A folder of pictures without captions, opened on the page."""
    folder = draw_pictures(served[1] / "lesson")
    for caption in folder.glob("*.txt"):
        caption.unlink()
    open_folder(page, folder)
    page.wait_for_selector(".lt-card")
    return folder


def open_folder(page, folder):
    page.fill("#lt-folder", str(folder))
    page.click(".lt-folder .lt-button")


def line_up(page, name):
    option(page, "save.name").fill(name)
    wait_for_text(page, ".lt-sentence", "steps")
    page.click(".lt-train")


def test_what_is_missing_is_asked_for_where_it_is_given(page, served):
    page.click(".lt-train")
    wait_for_text(page, ".lt-notices", "Pictures are needed: drop them above, or open a folder.")
    assert page.evaluate(f"{ACTIVE}.closest('.lt-drop') !== null")
    (served[1] / "nothing").mkdir()
    open_folder(page, served[1] / "nothing")
    wait_for_text(page, ".lt-notices", "There are no pictures in “nothing” yet")


def test_a_picture_without_a_caption_is_no_alarm(page, folder):
    assert page.locator(".lt-card.lt-wrong, .lt-marks li").count() == 0
    assert "problem" not in text(page, ".lt-pictures")


def test_a_preset_for_another_base_says_so(page, folder):
    option(page, "data.trigger_word").fill("zorb")
    page.click(".lt-recommend")
    page.wait_for_selector(".lt-reasons li")
    page.select_option("#lt-preset", "sdxl-style")
    wait_for_text(page, "[data-path='preset']", "made for other bases than pocket (SD 1.x)")
    assert page.locator(".lt-advised").is_hidden()  # those were the reasons for other settings
    page.select_option("#lt-preset", "pocket")
    assert page.locator("[data-path='preset'] .lt-problem").is_hidden()


def test_what_a_preset_decides_is_folded_away_and_stays_open_for_whoever_opened_it(page, served):
    fold = page.locator("[data-topic='basics']")
    assert page.locator("[data-path='network.rank'] .lt-input").is_hidden()
    assert "Rank 16" in fold.locator("summary").inner_text()
    fold.locator("summary").click()
    option(page, "network.rank").fill("0")
    page.wait_for_selector("[data-topic='basics'] .lt-badge:not([hidden])")
    open_page(page, served[0])
    assert page.locator("[data-path='network.rank'] .lt-input").is_visible()


def test_on_a_phone_all_is_within_the_width_and_training_begins_below_the_settings(page, folder):
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector(".lt[data-width='narrow']")
    assert page.locator(".lt-train-here").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1024, "height": 768})
    page.wait_for_selector(".lt[data-width='wide']")
    assert page.locator(".lt-train-here").is_hidden()
    assert page.locator(".lt-train").bounding_box()["y"] < 768


def test_a_run_that_is_lined_up_leaves_the_one_that_is_on_in_sight_and_a_paused_one_keeps_its_way_back(page, folder):
    line_up(page, "one")
    wait_for_text(page, ".lt-state", "one: ")
    line_up(page, "two")
    wait_for_text(page, ".lt-notices", "“two” is in line.")
    wait_for_text(page, ".lt-queue", "Next in line: 1")
    assert text(page, ".lt-state").startswith("one: ")
    page.click(".lt-pause")  # the one that has the model, not the one that waits
    wait_for_text(page, ".lt-state", "one: paused")
    wait_for_text(page, ".lt-places", "two")  # which has its turn now
    assert text(page, ".lt-state") == "one: paused"
    page.locator(".lt-places .lt-link").click()
    wait_for_text(page, ".lt-state", "two: ")
    wait_for_text(page, ".lt-queue", "Paused: 1")
    page.locator(".lt-line [data-job] .lt-link", has_text="one").click()
    wait_for_text(page, ".lt-state", "one: paused")
