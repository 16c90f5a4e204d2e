"""Every sentence of the page is there in both languages, with the same parameters."""

import ast
import json
import re

import pytest

from lora_trainer.options import walk
from lora_trainer.presets import load_presets
from lora_trainer.ui.assets import CATALOGUES, PAGE

PACKAGE = PAGE.parent.parent
MAKERS = {"Sentence": 0, "_problem": 0, "Wrong": 0, "unless": 1}
"""Functions that make sentences, and which of their arguments is the code."""
PARAMETER = re.compile(r"\{(\w+)[^}]*\}")


def catalogue(language):
    return json.loads((CATALOGUES / f"{language}.json").read_text(encoding="utf-8"))


ENGLISH, CHINESE = catalogue("en"), catalogue("zh-CN")
HELPS = {f"option.{option.path}.help": option.help for option in walk()}
SCRIPT = "\n".join(file.read_text(encoding="utf-8") for file in sorted(PAGE.glob("*.js")))


def parameters(template):
    return set(PARAMETER.findall(template))


def sentence_codes():
    """{code: English template, or None where it is put together} of all sentences in the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            place = MAKERS.get(name, 99)
            if place < len(node.args if name in MAKERS else ()) and isinstance(node.args[place], ast.Constant):
                template = node.args[1] if len(node.args) > 1 else None
                literal = isinstance(template, ast.Constant) and name == "Sentence"
                found[node.args[place].value] = template.value if literal else None
    presets = {sentence.code: None for preset in load_presets() for sentence in (preset.title, preset.why)}
    return found | presets


CODES = sentence_codes()


def test_the_english_catalogue_is_in_the_chinese_one_too():
    assert not ENGLISH.keys() - CHINESE.keys()


def test_what_is_english_in_the_code_is_chinese_in_the_catalogue():
    wanted = HELPS.keys() | CODES.keys()
    assert sorted(wanted - CHINESE.keys()) == []
    assert sorted(CHINESE.keys() - ENGLISH.keys() - wanted) == []


@pytest.mark.parametrize(
    "known", [ENGLISH, {code: text for code, text in CODES.items() if text}], ids=["page", "server"]
)
def test_both_languages_have_the_same_parameters(known):
    wrong = {code for code, text in known.items() if parameters(text) != parameters(CHINESE[code])}
    assert not wrong


def test_nothing_is_left_untranslated():
    same = {
        code
        for code, text in ENGLISH.items()
        if text == CHINESE[code] and re.search(r"[a-z]{4}", PARAMETER.sub("", text))
    }
    names = {"network.dropout", "network.alpha", "loss.min_snr_gamma"}
    assert same <= {f"option.{name}.label" for name in names}


def test_every_option_has_a_name():
    assert {f"option.{option.path}.label" for option in walk()} <= ENGLISH.keys()


def test_every_message_that_the_script_names_exists():
    used = set(re.findall(r'\bt\("([a-z]+\.[\w.]+)"', SCRIPT)) | set(re.findall(r'\? "([a-z]+\.\w+)" :', SCRIPT))
    assert len(used) > 100
    assert not used - ENGLISH.keys()


def test_every_message_whose_name_the_script_puts_together_begins_like_one():
    prefixes = set(re.findall(r"\bt\(`([a-z]+)\.\$", SCRIPT))
    assert prefixes >= {"state", "topic", "tryout"}
    assert all(any(code.startswith(f"{prefix}.") for code in ENGLISH) for prefix in prefixes)


def test_every_message_is_used():
    quoted = set(re.findall(r'"([a-z]+\.[\w.]+)"', SCRIPT))
    patterns = [re.escape(name) for name in re.findall(r"`([a-z]+\.[^`]*\$\{[^`]*)`", SCRIPT)]
    patterns = [re.sub(r"\\\$\\\{.*?\\\}", r"[\\w.-]*", pattern) for pattern in patterns]
    unused = {code for code in ENGLISH if code not in quoted and not any(re.fullmatch(p, code) for p in patterns)}
    assert not {code for code in unused if not code.startswith("option.") and not code.endswith(".title")}
