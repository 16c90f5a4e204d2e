"""The page's scripts: their syntax, and what can be tried without a browser."""

import json
import shutil
import subprocess

import pytest

from lora_trainer.ui.assets import PAGE

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node")
LOADER = PAGE.parents[2] / "javascript" / "lora_trainer.js"


def run(script):
    """What an expression over a module gives, as JSON."""
    done = subprocess.run(
        [NODE, "--input-type=module"], input=script, cwd=PAGE, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def call(module, function, *arguments):
    given = ", ".join(json.dumps(argument) for argument in arguments)
    address = (PAGE / module).as_uri()
    return run(f'const m = await import("{address}"); console.log(JSON.stringify(m.{function}({given})));')


@pytest.mark.parametrize("path", [*sorted(PAGE.glob("*.js")), LOADER], ids=lambda path: path.name)
def test_scripts_have_no_wrong_syntax(path):
    kind = "commonjs" if path == LOADER else "module"
    script = path.read_text(encoding="utf-8")
    done = subprocess.run([NODE, f"--input-type={kind}", "--check"], input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("", "zorb <lora:thing:0.6>"),
        ("a cat", "a cat, zorb <lora:thing:0.6>"),
        ("a cat, ", "a cat, zorb <lora:thing:0.6>"),
        ("a Zorb, blue", "a Zorb, blue <lora:thing:0.6>"),
        ("zorbs", "zorbs, zorb <lora:thing:0.6>"),
        ("zorb <lora:thing:1> on red", "zorb <lora:thing:0.6> on red"),
        ("<lora:thing:1> zorb <lora:thing:0.2>", "<lora:thing:0.6> zorb "),
        ("zorb <lora:other:1>", "zorb <lora:other:1> <lora:thing:0.6>"),
    ],
)
def test_the_prompt_gets_the_tag_and_keeps_what_the_user_wrote(prompt, wanted):
    assert call("host.js", "withTag", prompt, {"name": "thing", "strength": 0.6, "trigger": "zorb"}) == wanted


def test_a_tag_says_what_is_put_into_the_prompt():
    assert call("host.js", "fromTag", "<lora:my: cat:0.8>", "zorb") == {
        "name": "my: cat",
        "strength": 0.8,
        "trigger": "zorb",
    }


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("zh-CN", "zh-CN"),
        ("zh_CN", "zh-CN"),
        ("zh-Hans (Stable)", "zh-CN"),
        ("en-GB", "en"),
        ("ja_JP", "en"),
        ("", "en"),
    ],
)
def test_languages_are_found_by_the_names_that_hosts_use(name, language):
    assert call("i18n.js", "suiting", name) == language


@pytest.mark.parametrize(
    ("template", "values", "wanted"),
    [
        ("{n} of {total}", {"n": 3, "total": 12}, "3 of 12"),
        ("{loss:.3f}", {"loss": 0.12345}, "0.123"),
        ("at {saves}", {"saves": [100, 200]}, "at 100, 200"),
        ("{unknown}", {}, "{unknown}"),
        ("{x}", {"x": 0.30000000004}, "0.3"),
    ],
)
def test_templates_are_filled_as_python_fills_them(template, values, wanted):
    assert call("i18n.js", "filledIn", template, values) == wanted


def test_nested_values_and_paths_are_each_other_s_inverse():
    values = {"network": {"rank": 8, "block_ranks": {"mid": 4}}, "steps": 10}
    script = f"""
        const {{ flat, nested }} = await import("{(PAGE / "form.js").as_uri()}");
        console.log(JSON.stringify(nested(flat({json.dumps(values)}, new Set(["network.block_ranks"])))));"""
    assert run(script) == values


def test_ticks_are_round_numbers_up_to_the_end():
    assert call("curve.js", "ticks", 600, 6) == [0, 100, 200, 300, 400, 500, 600]


FORM = """
    const {{ Form }} = await import("{address}");
    const {{ Store }} = await import("{store}");
    const kept = {{}};
    globalThis.localStorage = {{ getItem: (key) => kept[key] ?? null, setItem: (key, text) => (kept[key] = text) }};
    const options = [["save.name", ""], ["steps", 0], ["network.rank", 16], ["data.flip", false], ["seed", 0]];
    const values = {{ steps: 300, network: {{ rank: 8 }}, data: {{ flip: true }}, seed: 7 }};
    const presets = [{{ name: "quick", values }}];
    const opened = () => {{
        const store = new Store({{ dataset: "mine" }});
        const app = {{ store, page: {{ getRootNode: () => ({{ activeElement: null }}) }} }};
        return new Form(app, options.map(([path, default_]) => ({{ path, default: default_ }})), presets);
    }};
    const job = {{
        values: {{ save: {{ name: "zorb" }}, steps: 60, seed: 7, network: {{ rank: 8 }}, data: {{ flip: true }} }},
    }};
    const form = opened();
    const told = [];
    const tell = (form) => told.push([form.value("save.name"), form.app.store.get("preset"), form.isOf(job)]);
"""


def told(script):
    addresses = {"address": (PAGE / "form.js").as_uri(), "store": (PAGE / "store.js").as_uri()}
    return run(FORM.format(**addresses) + script + "console.log(JSON.stringify(told));")


def test_a_job_s_settings_are_shown_with_the_preset_that_they_come_from():
    assert told("form.showJob(job); tell(form);") == [["zorb", "quick", True]]


def test_the_form_comes_from_another_preset_with_every_value_as_it_is():
    script = """
        const now = () => ["steps", "network.rank", "data.flip", "seed"].map((path) => form.value(path));
        form.choose("quick"); form.set("network.rank", 16); told.push(now());
        form.presets = [...presets, { name: "mine", values: { steps: 300, network: { rank: 4 } } }];
        form.adopt("mine"); told.push(now(), Object.keys(form.app.store.get("changes")).sort());
        form.adopt(""); told.push(now());"""
    values = [300, 16, True, 7]
    assert told(script) == [values, values, ["data.flip", "network.rank", "seed"], values]


SDXL, PONY = (
    {"name": "juggernaut", "family": "sdxl", "lineage": ""},
    {"name": "pony", "family": "sdxl", "lineage": "tags"},
)


@pytest.mark.parametrize(
    ("preset", "base", "group"),
    [
        ({"families": ["sdxl"], "goal": "style"}, SDXL, "base"),
        ({"families": ["sdxl"], "goal": "style"}, PONY, "other"),
        ({"families": ["sdxl"], "goal": "style", "lineage": "tags"}, PONY, "base"),
        ({"families": ["sd1", "sdxl"], "goal": ""}, PONY, "any"),
        ({"families": ["sd1"], "goal": ""}, SDXL, "other"),
        ({"families": ["sd1"], "base": "pocket"}, SDXL, ""),
        ({"families": ["sd1"], "own": True}, SDXL, "own"),
        ({"families": ["sd1"], "goal": "style"}, None, "any"),
    ],
)
def test_presets_of_the_loaded_base_stand_first(preset, base, group):
    assert call("presets.js", "groupOf", preset, base) == group


def test_what_was_written_is_put_aside_for_a_job_s_settings_and_comes_back_also_after_a_reload():
    script = """
        form.set("save.name", "mine"); form.showJob(job); tell(form);
        const again = opened(); tell(again); told.push(again.takeBack()); tell(again);"""
    assert told(script) == [["zorb", "quick", True], ["zorb", "quick", True], "mine", ["mine", "", False]]


def test_a_job_s_settings_that_were_only_looked_at_are_not_put_aside_and_those_changed_are():
    script = """
        const other = { values: { save: { name: "other" } } };
        form.showJob(job); form.showJob(other); told.push(form.app.store.get("aside").length);
        form.set("steps", 5); form.showJob(job); told.push(form.app.store.get("aside").length);
        tell(form); form.takeBack(); tell(form);"""
    assert told(script) == [0, 1, ["zorb", "quick", True], ["other", "", False]]


@pytest.mark.parametrize(
    ("box", "nearer", "middle", "wanted"),
    [
        ([0.25, 0, 0.5, 1], 1, [0.9, 0.5], [0.5, 0, 0.5, 1]),
        ([0.25, 0, 0.5, 1], 1, [0.1, 0.5], [0, 0, 0.5, 1]),
        ([0, 0, 1, 0.5], 2, [0.5, 0.5], [0.25, 0.375, 0.5, 0.25]),
        ([0.5, 0.5, 0.25, 0.25], 1, [0.6, 0.6], [0, 0, 1, 1]),
    ],
)
def test_a_window_keeps_its_shape_and_stays_inside_the_picture(box, nearer, middle, wanted):
    assert call("crop.js", "placed", box, nearer, middle) == pytest.approx(wanted)
