"""The user's own presets: what is kept, what never is, and what is refused."""

import pytest

from lora_trainer import options
from lora_trainer.errors import ConfigError, NotFound, PresetExists, UserError
from lora_trainer.presets import OwnPresets, from_text, load_presets, make_preset, to_text
from lora_trainer.presets.sharing import MOST_BYTES, PERSONAL

WHY = "Rank 4 is enough for my watercolours."


@pytest.fixture
def own(tmp_path):
    return OwnPresets(tmp_path / "presets")


def preset(title="Soft", **values):
    return make_preset(title, WHY, options.unflattened(values or {"network.rank": 4})).preset


def codes(error):
    return [getattr(problem, "code", "") for problem in error.value.problems]


def test_what_is_saved_is_there_again_with_its_reason(own):
    own.save(preset(**{"network.rank": 4, "optimizer.learning_rate": 3e-5}))
    (found,) = OwnPresets(own.folder).all()
    assert (found.name, found.title, found.why, found.own) == ("Soft", "Soft", WHY, True)
    assert found.values == {"network": {"rank": 4}, "optimizer": {"learning_rate": 3e-5}}


def test_only_what_differs_from_the_defaults_is_kept_and_nothing_personal():
    known = {option.path: option for option in options.walk()}
    assert set(PERSONAL) <= known.keys()
    texts = {
        "base.checkpoint": "/home/me/x.ckpt",
        "data.folders": ["/home/me"],
        "save.name": "anna",
        "memory.device": "cpu",
    }
    given = make_preset("Soft", WHY, options.unflattened({"network.rank": 4, "steps": 0, **texts}))
    assert given.preset.values == {"network": {"rank": 4}}
    assert set(given.left_out) == texts.keys()
    assert "home" not in to_text(given.preset) and "anna" not in to_text(given.preset)


def test_regularization_pictures_alone_are_no_hindrance():
    folders = [{"path": "/home/me/class", "regularization": True}]
    assert make_preset("Soft", WHY, {"network": {"rank": 4}, "data": {"folders": folders}}).preset


def test_no_option_that_holds_a_path_or_a_name_is_forgotten():
    """Every free text of the options is personal, but for the few that name something of the trainer's."""
    harmless = {"network.type", "optimizer.name", "optimizer.schedule", "samples.sampler", "samples.negative_prompt"}
    free = {option.path for option in options.walk() if option.type is str and not option.choices}
    assert free - set(PERSONAL) == harmless


def test_a_shared_preset_comes_back_as_it_was():
    for shipped in load_presets():
        again = from_text(to_text(shipped).encode(), "x.yaml").preset
        assert options.build(again.values) == options.build(shipped.values)
        assert (again.families, again.lineage, again.goal) == (shipped.families, shipped.lineage, shipped.goal)


def test_another_of_the_same_name_is_replaced_only_when_asked(own):
    own.save(preset())
    with pytest.raises(PresetExists):
        own.save(preset("SOFT", **{"network.rank": 8}))
    own.save(preset("SOFT", **{"network.rank": 8}), replace=True)
    (found,) = own.all()
    assert found.values == {"network": {"rank": 8}} and found.name == "Soft"  # some disks know no upper case


def test_the_names_of_shipped_presets_are_taken(own):
    with pytest.raises(UserError, match="another name"):
        own.save(preset("sdxl-style"), replace=True)


def test_it_is_deleted_by_its_name_and_by_no_path(own, tmp_path):
    own.save(preset())
    (tmp_path / "other.yaml").write_text("values: {steps: 5}", encoding="utf-8")
    for name in ("gone", "../other", ".."):
        with pytest.raises(NotFound):
            own.delete(name)
    own.delete("Soft")
    assert own.all() == [] and (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize("title, name", [("a/b\\c: d", "a_b_c_ d"), ("CON", "CON_"), ("..x", "x"), ("柔和", "柔和")])
def test_titles_become_names_of_files_that_every_system_takes(own, title, name):
    assert own.save(preset(title)).name == name
    assert [file.name for file in own.folder.iterdir()] == [f"{name}.yaml"]


def test_a_flat_file_of_lora_scripts_becomes_a_preset_called_like_the_file():
    given = from_text(b"lora_rank: 4\nbase_model: /x\nmax_train_steps: 500\n", "my run.yaml")
    assert given.preset.title == "my run" and given.preset.why
    assert given.preset.values == {"network": {"rank": 4}, "steps": 500}
    assert given.left_out == ("base.checkpoint",)


def test_all_problems_are_told_at_once():
    text = b"title: x\nwhy: ''\ngoal: fame\nhook: rm\nvalues: {network: {rank: 0, rnak: 2}, optimizer: {schedule: up}}"
    with pytest.raises(ConfigError) as caught:
        from_text(text, "x.yaml")
    expected = ["preset_key", "preset_text", "preset_choice", "option_bounds", "option_unknown", "unknown_name"]
    assert codes(caught) == expected


@pytest.mark.parametrize(
    "text, code",
    [
        (b"x" * (MOST_BYTES + 1), "preset_large"),
        (b"a: &a [x]\nb: *a\n", "yaml_unreadable"),
        (b"a: !!python/object/apply:os.system [id]\n", "yaml_unreadable"),
        (b"\xfa\xfb", "yaml_unreadable"),
        (b"[" * 20000, "yaml_unreadable"),
        (b"- 1", "yaml_no_options"),
        (b"", "preset_empty"),
        (b"optimizer: {name: os.system}", "preset_optimizer"),
        (b"network: {arguments: {since: 2020-01-01}}", "preset_value"),
        (b"title: '...'\nwhy: x\nvalues: {steps: 5}", "preset_title"),
        (b"title: {a: b}\nwhy: [x]\nfamilies: [sd9]\nvalues: {steps: 5}", "preset_choice"),
    ],
)
def test_hostile_and_wrong_files_are_refused_with_a_sentence(text, code):
    with pytest.raises(ConfigError) as caught:
        from_text(text, "x.yaml")
    assert code in codes(caught)


def test_invisible_letters_and_lines_are_gone_from_titles():
    assert preset("So\u202eft\n\x00 one").title == "So ft one"


def test_a_damaged_file_keeps_no_other_out_and_is_named(own):
    own.save(preset())
    (own.folder / "broken.yaml").write_text("values: {nothing: 1}", encoding="utf-8")
    (own.folder / ".hidden.yaml").write_text("steps: 5", encoding="utf-8")
    assert [found.name for found in own.all()] == ["Soft"]
    ((path, reason),) = own.damaged()
    assert path.name == "broken.yaml" and "nothing" in reason
