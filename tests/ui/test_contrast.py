"""Everything that is written on the page can be read: 4.5 : 1 at least, in both themes (WCAG 2.1, level AA)."""

import re

import pytest

from lora_trainer.ui.assets import PAGE

LEAST = 4.5
CSS = (PAGE / "page.css").read_text(encoding="utf-8")
LIGHT = re.search(r"\.lt \{(.*?)\}", CSS, re.DOTALL)[1]
DARK = re.search(r'\[data-theme="dark"\] \{(.*?)\}', CSS, re.DOTALL)[1]
WRITTEN = ("ink", "faint", "accent", "good", "bad", "calm")
GROUNDS = ("ground", "panel", "under", "field")


def colour(block, name):
    """(red, green, blue) of a colour of ours, from 0 to 1; the host's own are the host's."""
    digits = re.search(rf"--{name}: (?:var\([^,]*, )?#([0-9a-f]{{6}})", block)[1]
    return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def luminance(rgb):
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("block", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_written_can_be_read(block):
    pairs = [(text, ground) for text in WRITTEN for ground in GROUNDS] + [("accent-ink", "accent")]
    weak = {pair: round(contrast(colour(block, pair[0]), colour(block, pair[1])), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < LEAST} == {}
