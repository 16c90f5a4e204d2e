"""Interrupt stops the run while it trains and only the picture while one is drawn; Reload UI stops no run."""

import pytest

from lora_trainer.control import Control, Wish
from lora_trainer.host.webui.host import WebUIHost
from tests.host.webui.states import draw, run, snapshot, waiting


def press(state, button):
    """What a button of the page does; some of them hold a method that was bound when the page was built."""
    if button == "Interrupt":
        state.interrupt()
    elif button == "Interrupt, bound early":
        type(state).interrupt(state)
    elif button == "Interrupt after the picture":
        state.stop_generating()
    elif button == "Reload UI":
        state.request_restart()


@pytest.mark.parametrize("button", ["Interrupt", "Interrupt, bound early", "Interrupt after the picture"])
def test_interrupt_ends_the_run_with_a_save(webui, pictures, tmp_path, button):
    host, control, before = WebUIHost(), Control(), snapshot(webui)
    host.on_interrupt = control.stop_and_save
    press_once = [lambda: press(webui.shared.state, button)]

    def at(event):
        if event.kind == "step" and press_once:
            press_once.pop()()

    events = run(pictures, tmp_path, host=host, control=control, steps=50, at=at)
    assert events[-1].stopped and events[-1].step <= 2 and (tmp_path / "zorb.safetensors").exists()
    assert snapshot(webui) == before


def test_reload_ui_does_not_end_it(webui, pictures, tmp_path):
    host, control = WebUIHost(), Control()
    host.on_interrupt = control.stop_and_save
    reload_ui = webui.shared.state.request_restart

    events = run(pictures, tmp_path, host=host, control=control, at=lambda event: event.kind == "step" and reload_ui())
    assert not events[-1].stopped and control.wish is Wish.GO_ON
    assert webui.shared.state.server_command == "restart", "the page is reloaded all the same"


def test_interrupt_during_a_picture_ends_only_the_picture(webui):
    host, control, seen = WebUIHost(), Control(), []
    host.on_interrupt = control.stop_and_save

    def interrupted_picture():
        webui.shared.state.interrupt()
        seen.append(webui.shared.state.interrupted)
        return draw(webui)

    with host.lend(), waiting(webui, interrupted_picture) as picture:
        assert host.give_way() and picture and seen == [True]
        assert not host.give_way() and control.wish is Wish.GO_ON
