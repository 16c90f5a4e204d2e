"""Past runs on the page: found, rated, compared, voted on blind, their settings used again, and cleared away."""

import time

import pytest

from .test_first_run import option, wait_for_text

pytestmark = pytest.mark.acceptance


@pytest.fixture
def runs(page, served, tmp_path):
    """Two finished runs of a few steps that differ in their rank."""
    from lora_trainer.pocket.lesson import NOVELTIES
    from lora_trainer.pocket.novelty import write_examples

    api = f"{served[0]}/lora-trainer/v1"
    page.request.put(f"{api}/habits", data={"grid_at_end": False})
    dataset = page.request.post(f"{api}/datasets", data={"name": "lesson"}).json()["id"]
    for file in sorted(write_examples(NOVELTIES[0], tmp_path / "lesson", count=4).iterdir()):
        page.request.put(f"{api}/datasets/{dataset}/files/{file.name}", data=file.read_bytes())
    ids = [begin(page, api, dataset, name, rank) for name, rank in (("small", 2), ("large", 8))]
    end = time.monotonic() + 120
    while any(page.request.get(f"{api}/jobs/{run}").json()["state"] != "finished" for run in ids):
        assert time.monotonic() < end
        time.sleep(0.2)
    return ids


def begin(page, api, dataset, name, rank):
    values = {"save.name": name, "network.rank": rank, "steps": 4, "save.every": 2, "samples.steps": 2}
    answer = page.request.post(f"{api}/jobs", data={"dataset": dataset, "values": {**values, "data.resolution": 64}})
    assert answer.ok, answer.text()
    return answer.json()["id"]


def test_past_runs_are_compared_voted_on_used_again_and_cleared_away(page, served, runs):
    page.click("[data-view='history']")
    assert page.url.endswith("#history")
    page.wait_for_selector(f"[data-run='{runs[1]}'] img")
    page.locator(f"[data-run='{runs[1]}'] .lt-star").nth(3).click()
    page.fill(".lt-words", "4*")
    page.wait_for_function(
        "document.querySelector('#lora_trainer_page').shadowRoot.querySelectorAll('.lt-past').length == 1"
    )
    page.fill(".lt-words", "")
    page.wait_for_selector(f"[data-run='{runs[0]}']")

    for run in runs:
        page.check(f"[data-run='{run}'] .lt-box")
    page.click(".lt-compare")
    page.wait_for_selector(".lt-comparison")
    wait_for_text(page, ".lt-differences", "Rank28")
    assert page.locator(".lt-overlay .lt-over:not(.lt-dashed)").count() == 2
    assert page.locator(".lt-aligned").first.locator("img").count() == 4

    page.click(".lt-vote")
    page.wait_for_selector(".lt-voting-dialog[open]")
    shown = page.locator(".lt-voting-dialog").inner_html()
    assert not any(word in shown for word in ("small", "large", *runs))
    page.keyboard.press("ArrowLeft")
    wait_for_text(page, ".lt-voting-dialog", "Votes: 1")
    page.click(".lt-vote-done")
    wait_for_text(page, ".lt-results", "Too few votes to tell.")

    page.click(".lt-back")
    page.click(f"[data-run='{runs[0]}'] .lt-free-one")
    page.click(".lt-free-now")
    wait_for_text(page, ".lt-notices", "are free")
    page.click(f"[data-run='{runs[0]}'] .lt-use-settings")
    wait_for_text(page, ".lt-notices", "settings of 'small'")
    assert option(page, "network.rank").input_value() == "2" and not page.url.endswith("#history")

    page.click("[data-view='history']")
    page.click(f"[data-run='{runs[1]}'] .lt-use-lora")
    wait_for_text(page, ".lt-notices", "<lora:large:1> is copied")
    page.click(f"[data-run='{runs[1]}'] .lt-open-run")
    wait_for_text(page, ".lt-state", "large: finished")
    wait_for_text(page, ".lt-ready", "In the LoRA folder as <lora:large:1>.")
