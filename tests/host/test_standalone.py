import hashlib

import pytest
import torch

from lora_trainer import options
from lora_trainer.errors import BaseModelError
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.twin.packing import Packed, operators_work
from tests.runs import run, values


def host(base, **memory):
    config = options.build({"base": {"checkpoint": str(base)}, "memory": memory})
    return StandaloneHost(config.base, config.memory)


def test_describing_a_base_reads_no_weights(random_sd1, monkeypatch):
    monkeypatch.setattr("lora_trainer.checkpoints.checkpoint.Checkpoint.tensor", lambda self, key: pytest.fail(key))
    info = host(random_sd1).describe()
    assert (info.family, info.prediction_type, info.name) == ("sd1", "epsilon", "random-sd1")


def test_the_loan_s_hash_is_the_file_s(random_sd1):
    with host(random_sd1).lend() as loan:
        assert loan.sha256() == hashlib.sha256(random_sd1.read_bytes()).hexdigest()


def test_pixels_go_to_latents_of_an_eighth_and_back(random_sd1):
    with host(random_sd1).lend() as loan:
        latents = loan.encode_pixels(torch.rand(2, 3, 64, 48) * 2 - 1)
        assert latents.shape == (2, 4, 8, 6) and latents.dtype == torch.float32
        assert loan.decode_latents(latents).shape == (2, 3, 64, 48)


def test_a_released_part_comes_back_when_it_is_asked_for(random_sd1):
    with host(random_sd1).lend() as loan:
        first = loan.unet()
        assert loan.unet() is first
        loan.release("unet")
        assert loan.unet() is not first


def test_precision_changes_the_copy_and_not_the_file(random_sd1):
    before = random_sd1.read_bytes()
    with host(random_sd1, precision="bf16").lend() as loan:
        assert next(loan.unet().parameters()).dtype == torch.bfloat16
        assert loan.encode_captions(["a cat"], clip_skip=1, max_tokens=75).context.dtype == torch.bfloat16
    assert random_sd1.read_bytes() == before


@pytest.mark.skipif(not operators_work(), reason="this torch cannot pack weights on this processor")
@pytest.mark.parametrize("packing", [True, False])
def test_a_bf16_copy_is_packed_unless_the_options_forbid_it(random_sd1, packing):
    with host(random_sd1, precision="bf16", device="cpu", packing=packing).lend() as loan:
        assert any(isinstance(layer, Packed) for layer in loan.unet().modules()) == packing
    with host(random_sd1, precision="fp32", device="cpu").lend() as loan:
        assert not any(isinstance(layer, Packed) for layer in loan.unet().modules())


def test_a_training_leaves_the_base_file_as_it_was(random_sd1, pictures, tmp_path):
    before = hashlib.sha256(random_sd1.read_bytes()).hexdigest()
    run(values(random_sd1, pictures, tmp_path, steps=1, network__train_text_encoder=True))
    assert hashlib.sha256(random_sd1.read_bytes()).hexdigest() == before


def test_what_is_no_base_is_a_sentence(tmp_path):
    file = tmp_path / "notes.safetensors"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(BaseModelError, match=r"notes\.safetensors"):
        host(file).describe()


@pytest.mark.parametrize(
    ("family", "prediction"), [("sd2", "v_prediction"), ("sdxl", "epsilon"), ("sdxl", "v_prediction")]
)
def test_other_families_train_as_well(family, prediction, pictures, tmp_path):
    from lora_trainer.events import Finished, Started
    from lora_trainer.files.read import read_lora
    from lora_trainer.pocket.random_bases import random_checkpoint
    from tests.runs import of_kind

    base = random_checkpoint(family, tmp_path / f"{family}.safetensors", prediction_type=prediction)
    events = run(values(base, pictures, tmp_path, steps=1, network__train_text_encoder=True, samples__every=1))
    assert of_kind(events, Finished), events[-1]
    assert of_kind(events, Started)[0].prediction_type == prediction
    parts = read_lora(tmp_path / "zorb.safetensors").parts
    assert parts["unet"] == {"sd2": 192, "sdxl": 722}[family]
    assert set(parts) == {"sd2": {"unet", "te"}, "sdxl": {"unet", "te1", "te2"}}[family]
