import numpy as np
import pytest

from lora_trainer import options
from lora_trainer.config import SampleOptions
from lora_trainer.errors import ConfigError, UserError
from lora_trainer.host.base import LoraUse
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.tryout import GridRequest, draw_cells, sheet
from tests.runs import run, values


@pytest.fixture(scope="module")
def trained(random_sd1, pictures, tmp_path_factory):
    """Two LoRAs with text encoder, trained fast enough to change pictures."""
    folder = tmp_path_factory.mktemp("trained")
    more = {"network__train_text_encoder": True, "optimizer__learning_rate": 0.05, "optimizer__text_encoder_rate": 0.01}
    for seed, (name, kind) in enumerate({"one": "lora", "two": "dora"}.items()):
        run(values(random_sd1, pictures, folder, save__name=name, network__type=kind, seed=seed, steps=2, **more))
    return [folder / "one.safetensors", folder / "two.safetensors"]


def request(files, **more):
    quick = SampleOptions(steps=2, width=64, height=64, guidance=2.0)
    return GridRequest(
        **{"files": files, "prompts": ["a zorb"], "strengths": [0.0, 1.0], "seeds": [1], "options": quick} | more
    )


def host(base):
    config = options.build({"base": {"checkpoint": str(base)}})
    return StandaloneHost(config.base, config.memory)


def pixels(cell):
    return np.asarray(cell.image).astype(int)


def test_at_strength_0_every_file_draws_the_base_s_own_picture(trained, random_sd1):
    cells = list(draw_cells(host(random_sd1), request(trained)))
    zero = [cell for cell in cells if cell.strength == 0.0]
    one = [cell for cell in cells if cell.strength == 1.0]
    assert (pixels(zero[0]) == pixels(zero[1])).all()
    assert (pixels(one[0]) != pixels(zero[0])).any()
    assert (pixels(one[0]) != pixels(one[1])).any()


def test_a_cell_knows_how_to_be_drawn_again(trained, random_sd1):
    cells = list(draw_cells(host(random_sd1), request(trained[:1], seeds=[7])))
    assert str(cells[1].infotext).startswith("a zorb <lora:one:1>\n")
    assert str(cells[0].infotext).startswith("a zorb\n")
    assert "Seed: 7" in str(cells[0].infotext) and "Size: 64x64" in str(cells[0].infotext)


def test_the_sheet_has_a_column_for_each_strength_and_a_row_for_each_file(trained, random_sd1):
    asked = request(trained)
    page = sheet(list(draw_cells(host(random_sd1), asked)), asked)
    assert page.width > 2 * 128 and page.height > 2 * 128


def test_what_does_not_add_up_is_drawn_alone_and_said(trained, random_sd1):
    with (
        host(random_sd1).studio(trained) as studio,
        pytest.raises(UserError, match="'two' is of the type 'dora', which is drawn without other LoRAs"),
    ):
        studio._use((LoraUse(trained[0], 1.0), LoraUse(trained[1], 1.0)))


def test_what_is_missing_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        request([tmp_path / "gone.safetensors"], prompts=[], seeds=[]).check()
    assert len(caught.value.problems) == 3
