"""Captions by a model of one's own, from the page."""

import pytest

from tests.captioning.colours import COLOURS, colour_clip

from .test_first_run import drop, wait_for_text

pytestmark = pytest.mark.acceptance


@pytest.fixture
def pictures(tmp_path):
    from PIL import Image

    for name, colour in COLOURS.items():
        Image.new("RGB", (96, 96), colour).save(tmp_path / f"{name}.png")
    return sorted(tmp_path.iterdir())


def test_captions_are_written_by_the_model_that_was_put_there(page, served, pictures):
    place = served[1] / "data" / ".train-lora" / "captioners"
    drop(page, pictures)
    page.wait_for_selector(".lt-card")
    page.locator(".lt-captioning > summary").click()
    wait_for_text(page, ".lt-captioning .lt-hint", str(place / "clip"))
    assert page.locator(".lt-captioning .lt-button").first.is_disabled()

    colour_clip(place / "clip" / "colours")
    (place / "vocabularies").mkdir()
    (place / "vocabularies" / "colours.yaml").write_text(f"tags: [{', '.join(COLOURS)}]", encoding="utf-8")
    page.locator(".lt-captioning > summary").click()
    page.locator(".lt-captioning > summary").click()
    page.locator("#lt-captions-threshold").fill("0.9")
    page.locator(".lt-captioning .lt-button").first.click()
    wait_for_text(page, ".lt-captioning .lt-hint", "3 written")
    wait_for_text(page, ".lt-pictures", "3 with a caption")
    captions = {card.get_attribute("data-name"): card.locator("textarea") for card in page.locator(".lt-card").all()}
    assert {name: area.input_value() for name, area in captions.items()} == {f"{c}.png": c for c in COLOURS}
