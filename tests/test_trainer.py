from lora_trainer import LoRATrainer
from lora_trainer.events import Finished, Preparing
from lora_trainer.files.read import read_lora

from .runs import of_kind, run, same_weights, values


def test_the_four_phases_can_be_taken_singly(random_sd1, pictures, tmp_path):
    heard = []
    with LoRATrainer(values(random_sd1, pictures, tmp_path / "phases"), listener=heard.append) as trainer:
        assert len(trainer.prepare_data().pictures) == 4
        found, lasts = trainer.try_step()
        assert found.peak > 0 and lasts is not None and lasts.total > lasts.steps > 0
        assert len(trainer.build_model().adapters) == 192
        assert of_kind(list(trainer.train()), Finished)
        exported = trainer.export_lora_weights(tmp_path / "exported.safetensors")
    assert of_kind(heard, Preparing)
    assert read_lora(exported).metadata["ss_output_name"] == "exported"
    run(values(random_sd1, pictures, tmp_path / "whole"))
    assert same_weights(exported, tmp_path / "whole" / "zorb.safetensors")


def test_a_phase_calls_those_before_it(random_sd1, pictures, tmp_path):
    with LoRATrainer(values(random_sd1, pictures, tmp_path, steps=1)) as trainer:
        assert trainer.export_lora_weights() == tmp_path / "zorb.safetensors"


def test_a_yaml_file_is_a_configuration(random_sd1, pictures, tmp_path):
    file = tmp_path / "lora.yaml"
    file.write_text(
        f"train_data_dir: {pictures}\nbase_model: {random_sd1}\noutput_dir: {tmp_path}\nlora_rank: 2\n"
        "save: {name: flat}\nresolution: 64\nmax_train_steps: 1\n",
        encoding="utf-8",
    )
    with LoRATrainer(file) as trainer:
        list(trainer.train())
    assert (tmp_path / "flat.safetensors").exists()
