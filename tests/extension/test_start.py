"""The trainer starts once in a process, on every app that the WebUI makes; a failure is a sentence."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.extension import start
from lora_trainer.host.webui import flags


class App(Starlette):
    """As gradio's and fastapi's, with what the start asks for."""

    def __init__(self, auth=None):
        super().__init__()
        self.auth, self.tokens = auth, {}

    def add_api_route(self, path, answer, methods):
        from starlette.responses import JSONResponse

        self.add_route(path, lambda request: JSONResponse(answer()), methods=methods)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(start, "_desk", None)
    monkeypatch.setattr(start, "close_at_end", lambda close: None)
    monkeypatch.setattr(flags, "read_flags", lambda: flags.Flags({}, False, ()))


@pytest.fixture
def desks(monkeypatch):
    """Every desk that was made."""
    made = []
    monkeypatch.setattr(start, "_make_desk", lambda: made.append(object()) or made[-1])
    return made


def test_reload_ui_keeps_the_desk_with_its_jobs(desks):
    start.start(App())
    start.start(App(), demo=None)
    assert len(desks) == 1


def test_the_routes_and_the_page_s_files_answer(desks):
    app = App()
    start.start(app)
    client = TestClient(app)
    assert client.get("/lora-trainer/v1/nothing").status_code == 404
    assert client.get("/lora-trainer/v1/page/any/loader.js").status_code == 200


def test_the_routes_are_closed_to_visitors_who_have_not_signed_in(desks):
    app = App(auth={"ann": "secret"})
    start.start(app)
    assert TestClient(app).get("/lora-trainer/v1/state").status_code == 401


def test_a_failure_is_a_sentence_that_the_page_can_ask_for(monkeypatch, caplog):
    def fail():
        raise ImportError("no module named torch")

    monkeypatch.setattr(start, "_make_desk", fail)
    app = App()
    with caplog.at_level(logging.CRITICAL):
        start.start(app)
    answer = TestClient(app).get("/lora-trainer/v1/problem").json()
    assert answer["code"] == "not_started" and "no module named torch" in answer["text"]


def test_private_files_stay_private_also_where_the_start_fails(monkeypatch, tmp_path):
    from lora_trainer.host.webui.host import WebUIHost

    monkeypatch.setattr(start, "_make_desk", lambda: 1 / 0)
    monkeypatch.setattr(WebUIHost, "data_folder", lambda self: tmp_path / ".train-lora")
    app = App()
    app.add_route("/file={path:path}", lambda request: 1 / 0)
    start.start(app)
    answer = TestClient(app).get(f"/file={tmp_path}/.train-lora/datasets/1.png")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "private_file")


def test_a_start_that_failed_is_tried_again_with_the_next_app(monkeypatch, desks):
    made = start._make_desk
    monkeypatch.setattr(start, "_make_desk", lambda: 1 / 0)
    start.start(App())
    monkeypatch.setattr(start, "_make_desk", made)
    start.start(App())
    assert len(desks) == 1
