"""The tab: one element that the page's script fills when the tab is first seen."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from . import assets, gradio_versions

if TYPE_CHECKING:
    import gradio

ELEMENT = "lora_trainer_page"
TITLE = "Train LoRA"


def build_tab(problem: str = "") -> gradio.Blocks:
    """The tab's content; `problem` is a sentence that takes the page's place when there can be none."""
    with gradio_versions.blocks(TITLE) as tab:
        gradio_versions.html(markup(problem))
    return tab


def markup(problem: str = "") -> str:
    """The element that the script looks for. Its version makes browsers fetch changed files."""
    if problem:
        return f'<div id="{ELEMENT}_problem" role="alert" style="padding: 1em">{html.escape(problem)}</div>'
    return f'<div id="{ELEMENT}" data-version="{assets.version()}"></div>'
