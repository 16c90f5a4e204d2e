from pathlib import Path

import pytest
import yaml

from lora_trainer import options, reference
from lora_trainer.config import Folder, TrainConfig
from lora_trainer.errors import ConfigError


def problems_of(values):
    with pytest.raises(ConfigError) as caught:
        options.build(values)
    return caught.value.problems


def test_every_option_explains_itself():
    for option in options.walk():
        assert option.help.endswith((".", ")")), option.path
        assert option.level in ("basic", "advanced")


def test_the_defaults_lie_within_their_own_bounds():
    assert options.build(options.to_values(TrainConfig())) == TrainConfig()


def test_yaml_holds_the_whole_configuration(tmp_path):
    config = options.build(
        {"data": {"folders": ["a", {"path": "b", "repeats": 3}]}, "network": {"block_ranks": {"mid": 4}}}
    )
    file = tmp_path / "config.yaml"
    file.write_text(options.to_yaml(config), encoding="utf-8")
    assert options.load(file) == config


def test_a_path_alone_is_a_folder():
    assert options.build({"data": {"folders": "pictures"}}).data.folders == [Folder(path="pictures")]


def test_all_problems_are_told_at_once_each_with_option_value_and_remedy():
    problems = problems_of(
        {"data": {"resolutoin": 5, "flip": "maybe"}, "rank": 4, "seed": -1, "save": {"dtype": "int8"}}
    )
    assert problems == [
        "There is no option 'data.resolutoin'. Did you mean 'data.resolution'?",
        "data.flip is 'maybe', but must be true or false.",
        "There is no option 'rank'. Did you mean 'network.rank'?",
        "seed is -1, but must lie between 0 and 4294967295.",
        "save.dtype is 'int8', but must be one of fp16, bf16, fp32.",
    ]


@pytest.mark.parametrize("value", ["nan", "inf", "much", True, [1]])
def test_a_rate_that_is_no_number_is_refused(value):
    (problem,) = problems_of({"optimizer": {"learning_rate": value}})
    assert problem.startswith("optimizer.learning_rate is ")


def test_numbers_that_yaml_reads_as_text_are_numbers():
    assert options.build({"optimizer": {"learning_rate": "1e-4"}}).optimizer.learning_rate == 1e-4


def test_off_is_a_word_where_it_is_a_choice():
    values = yaml.safe_load("memory: {checkpointing: off}\nbase: {zero_terminal_snr: yes}")
    config = options.build(values)
    assert config.memory.checkpointing == "off"
    assert config.base.zero_terminal_snr == "yes"


def test_a_section_that_holds_no_options_is_told():
    assert problems_of({"data": 5}) == ["data must hold options, not 5."]


def test_changes_win_over_the_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("network: {rank: 4, alpha: 2}\n", encoding="utf-8")
    config = options.load(file, ["network.rank=8", "samples.prompts=[a cat, a dog]"])
    assert (config.network.rank, config.network.alpha) == (8, 2)
    assert config.samples.prompts == ["a cat", "a dog"]


def test_a_text_on_the_command_line_stays_as_it_was_written():
    changes = ["save.name=007", "data.trigger_word=on", "save.comment=8k: best", "samples.negative_prompt='a, b'"]
    config = options.build(options.parse_changes(changes))
    assert (config.save.name, config.data.trigger_word, config.save.comment) == ("007", "on", "8k: best")
    assert config.samples.negative_prompt == "a, b"


def test_flat_keys_of_lora_scripts_count_on_the_command_line_too():
    assert options.build(options.parse_changes(["lora_rank=8"])).network.rank == 8


def test_a_truth_value_is_no_text():
    assert "put it in quotes" in problems_of({"data": {"trigger_word": True}})[0]


def test_numbers_in_a_table_have_bounds_too():
    assert "between 0 and 1024" in problems_of({"network": {"block_ranks": {"mid": -1}}})[0]


def test_a_change_without_a_value_is_explained():
    with pytest.raises(ConfigError, match="not of the form"):
        options.parse_changes(["network.rank"])


def test_a_lora_scripts_file_runs_as_it_is(tmp_path):
    file = tmp_path / "lora.yaml"
    file.write_text(
        "train_data_dir: ./pictures\nmetadata_path: ./pictures/metadata.csv\nbase_model: ./sd15.safetensors\n"
        "lora_rank: 8\nbatch_size: 4\nepochs: 10\nlearning_rate: 2e-4\noutput_dir: ./out\nsave_steps: 100\n",
        encoding="utf-8",
    )
    config = options.load(file)
    assert config.data.folders == [Folder(path="./pictures")]
    assert config.data.metadata == "./pictures/metadata.csv"
    assert config.base.checkpoint == "./sd15.safetensors"
    assert (config.network.rank, config.data.batch_size, config.epochs, config.save.every) == (8, 4, 10, 100)
    assert config.optimizer.learning_rate == 2e-4
    assert config.save.output == "./out"


def test_kohyas_keys_of_noise_and_rates_are_read():
    values = {"multires_noise_iterations": 6, "multires_noise_discount": 0.4, "ip_noise_gamma": 0.1}
    config = options.build(options.unflattened({**values, "noise_offset": 0.05, "loraplus_lr_ratio": 16}))
    loss = config.loss
    assert (loss.pyramid_levels, loss.pyramid_discount, loss.input_perturbation) == (6, 0.4, 0.1)
    assert (loss.noise_offset, config.optimizer.loraplus_ratio) == (0.05, 16.0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: [", "line 1"),
        (b"- 1\n- 2\n", "must hold"),
        (b'data:\n  folders: ["C:\\Users\\me"]', "single ones"),
        (b"save: {comment: caf\xe9}", "UTF-8"),
    ],
)
def test_a_file_that_is_no_configuration_is_explained(tmp_path, content, sentence):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"configuration file .*{sentence}"):
        options.load(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_have_a_byte_order_mark_or_come_from_powershell(tmp_path, encoding):
    file = tmp_path / "config.yaml"
    file.write_bytes("save: {name: 猫}\r\n".encode(encoding))
    assert options.load(file).save.name == "猫"


def test_a_folder_is_no_configuration_file(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        options.load(tmp_path)


def test_the_default_file_holds_every_option_at_its_default():
    assert options.build(yaml.safe_load(reference.default_file())) == TrainConfig()


def test_the_reference_names_every_option():
    page, lines = reference.markdown(), list(reference.plain_lines())
    for option in options.walk():
        assert option.path.rpartition(".")[2] in page
        assert any(line.split(" ")[0] == option.path for line in lines)


@pytest.mark.parametrize(
    ("file", "text"), [("docs/options.md", reference.markdown), ("config/default.yaml", reference.default_file)]
)
def test_generated_files_are_up_to_date(file, text):
    """Make them anew with `python -m lora_trainer options --form markdown` and `--form yaml`."""
    stored = Path(__file__).parent.parent / file
    assert stored.read_text(encoding="utf-8") == text()
