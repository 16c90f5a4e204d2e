"""A step that is tried on the WebUI's own model."""

from __future__ import annotations

from lora_trainer import options
from lora_trainer.estimate.probe import probe
from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.training.survey import survey
from tests.host.webui.states import snapshot
from tests.runs import values


def test_a_tried_step_leaves_the_host_as_it_was_and_nothing_on_the_disk(webui, pictures, tmp_path):
    before, host = snapshot(webui), WebUIHost()
    known = survey(options.build(values("", pictures, tmp_path / "out")), host)
    found = probe(known, host)
    assert found is not None and found.step_seconds > 0 and not found.ran_out
    assert snapshot(webui) == before and not (tmp_path / "out").exists()


def test_the_host_tells_while_it_draws(webui):
    host = WebUIHost()
    assert not host.drawing
    webui.shared.state.begin(job="a picture")
    assert host.drawing
    webui.shared.state.end()
    assert not host.drawing
