"""The only file that the WebUI executes: it hangs the trainer's tab, routes and axis into the WebUI's callbacks.

`sys.path` leads to the extension only while its scripts load, so the package is imported now; its parts are imported
when they are needed. Whatever fails is one sentence on the tab, and the WebUI starts all the same.
"""

from __future__ import annotations

import html
from pathlib import Path

import gradio as gr
from modules import errors, script_callbacks, scripts

FOLDER = Path(scripts.basedir()).resolve()


def import_package():
    import lora_trainer

    found = Path(lora_trainer.__file__).resolve().parent.parent
    if found != FOLDER:
        raise RuntimeError(f"The extension is there twice, in '{FOLDER}' and in '{found}'. Remove one of them.")


def build_tab():
    try:
        import_package()
        from lora_trainer.ui.tab import build_tab as build

        tab = build()
    except Exception as error:  # noqa: BLE001 - whatever it is, the WebUI goes on; the reason stands on the tab
        errors.report("Train LoRA: the tab could not be built", exc_info=True)
        with gr.Blocks(analytics_enabled=False) as tab:
            gr.HTML(f"<p>Train LoRA cannot start: {html.escape(str(error) or repr(error))}</p>")
    return [(tab, "Train LoRA", "train_lora")]


def add_axis():
    from lora_trainer.host.webui.strength_axis import register

    register()


def start(demo, app):
    from lora_trainer.extension.start import start as start_trainer

    start_trainer(app, demo)


script_callbacks.on_before_ui(add_axis)
script_callbacks.on_ui_tabs(build_tab)
script_callbacks.on_app_started(start)
import_package()
