import pytest
from PIL import Image

from lora_trainer.errors import UserError
from lora_trainer.history.shots import CELL, shots_of
from lora_trainer.jobs.keep import keep
from lora_trainer.jobs.sheets import write_sheet
from lora_trainer.jobs.tryout_request import TryOutRequest
from lora_trainer.jobs.tryouts import TryOuts

from .conftest import wait_for, wait_until


@pytest.fixture
def trained(jobs, config):
    return wait_until(jobs.submit(config(save__every=2, optimizer__learning_rate=0.05)), "finished", "failed")


def request(**more):
    quick = {"strengths": [0.0, 1.0], "prompts": ["a zorb"], "seed": 1, "width": 64, "height": 64, "steps": 2}
    return TryOutRequest(**{"saves": ["zorb-step000002.safetensors", "zorb.safetensors"], **quick, **more})


def test_cells_come_one_by_one_and_lie_on_a_sheet_with_their_infotext(jobs, host, trained):
    tryouts = TryOuts(host, jobs.turn)
    tryout = tryouts.start(trained, request())
    wait_for(lambda: tryout.state == "done")
    assert [(cell.n, cell.save, cell.strength) for cell in tryout.cells][:2] == [
        (1, "zorb-step000002.safetensors", 0.0),
        (2, "zorb-step000002.safetensors", 1.0),
    ]
    with Image.open(write_sheet(tryout)) as sheet:
        assert sheet.width > 256 and sheet.info["parameters"].startswith("a zorb")
    kept = keep(
        host,
        trained,
        "zorb-step000002.safetensors",
        strength=0.6,
        preview=tryouts.picture_of(trained, "zorb-step000002.safetensors", 1.0),
    )
    assert kept.tag == "<lora:zorb:0.6>" and kept.file.with_suffix(".preview.png").is_file()
    assert trained.record.published["save"] == "zorb-step000002.safetensors"
    cells = [shot for shot in shots_of(trained.folder, ()) if shot.kind == CELL]  # also when the program has ended
    assert [(cell.step, cell.prompt, cell.seed, cell.strength) for cell in cells] == [
        (step, "a zorb", 1, strength) for step in (2, 4) for strength in (0.0, 1.0)
    ]


def test_while_a_run_is_on_the_pictures_wait_and_say_so(jobs, host, trained):
    tryouts = TryOuts(host, jobs.turn)
    with jobs.turn.taken("other"):
        tryout = tryouts.start(trained, request())
        assert (tryout.state, tryout.message.code) == ("waiting", "tryout_waits")
        tryout.stop()
        wait_for(lambda: tryout.state == "stopped")
    assert tryout.cells == []


def test_what_is_no_save_of_the_run_is_refused(jobs, host, trained):
    with pytest.raises(UserError, match="no save called"):
        TryOuts(host, jobs.turn).start(trained, request(saves=["../../config.yaml"]))
