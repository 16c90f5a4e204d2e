"""No gradio gives out a file of the private folder, although its host lets it serve everything below the data path."""

import http.client
import os
from types import SimpleNamespace
from urllib.parse import quote

import pytest

gradio = pytest.importorskip("gradio", reason="gradio is not installed")

from lora_trainer.api import keep_private  # noqa: E402

SECRET, PUBLIC = b"secret picture", b"a picture that everybody may see"
FOLDER = ".train-lora"


@pytest.fixture(scope="module")
def webui(tmp_path_factory):
    """A WebUI's page as A1111 and Forge launch it: the data path is their folder, and gradio may serve all of it."""
    data = tmp_path_factory.mktemp("webui")
    picture = data / FOLDER / "datasets" / "my cats" / "tom.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(SECRET)
    (data / FOLDER / "datasets" / ".opened.json").write_bytes(SECRET)
    (data / "outputs").mkdir()
    (data / "outputs" / "1.png").write_bytes(PUBLIC)
    (data / "outputs" / "link").symlink_to(data / FOLDER)
    before = os.getcwd()  # noqa: PTH109
    os.chdir(data)
    try:
        with gradio.Blocks(analytics_enabled=False) as demo:
            gradio.HTML("the page")
        app, _, _ = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", allowed_paths=[str(data)], inbrowser=False
        )
        keep_private(app, lambda: data / FOLDER)
        yield SimpleNamespace(data=data, picture=picture, port=demo.server_port, app=app)
        demo.close()
    finally:
        os.chdir(before)


def ask(webui, address, method="GET"):
    """(status, body) of an address that is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", webui.port, timeout=30)
    connection.request(method, address)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


ROUTES = ("/file=", "/file/", "/gradio_api/file=", "/gradio_api/file/")


def spelled(picture, data):
    """Ways to name the picture."""
    inside = picture.relative_to(data).as_posix()
    whole = quote(picture.as_posix())
    return {
        "whole": whole,
        "relative": quote(inside),
        "dotted": quote(f"{data.as_posix()}/outputs/../{inside}"),
        "dot": quote(f"{data.as_posix()}/./{inside}"),
        "climbing": quote(f"outputs/../{inside}"),
        "double slash": quote(f"{data.as_posix()}//{inside}"),
        "leading slashes": quote(f"/{picture.as_posix()}"),
        "encoded": "".join(f"%{byte:02x}" for byte in picture.as_posix().encode()),
        "encoded dot": whole.replace("/.", "/%2e"),
        "encoded twice": quote(whole),
        "encoded slashes": whole.replace("/", "%2F"),
        "link": quote(f"{data.as_posix()}/outputs/link/{picture.relative_to(data / FOLDER).as_posix()}"),
        "another scheme": f"file://{whole}",
        "capitals": quote(f"{data.as_posix()}/{inside.upper()}"),
        "backslashes": quote(f"{data.as_posix()}/" + inside.replace("/", "\\")),
        "list of folders": quote(f"{data.as_posix()}/{FOLDER}/datasets/.opened.json"),
    }


def test_this_gradio_does_serve_what_lies_beside_the_private_folder(webui):
    path = quote((webui.data / "outputs" / "1.png").as_posix())
    assert any(ask(webui, route + path)[1] == PUBLIC for route in ROUTES)


@pytest.mark.parametrize("route", [*ROUTES, "/static/", "/assets/", "/proxy=", "/", "/static/../../"])
def test_no_spelling_and_no_route_gets_at_a_private_file(webui, route):
    for kind, path in spelled(webui.picture, webui.data).items():
        status, body = ask(webui, route + path)
        assert SECRET not in body and status != 200, (kind, status)
        assert ask(webui, route + path, "HEAD")[0] != 200, kind


def test_a_part_of_a_private_file_is_not_served_either(webui):
    connection = http.client.HTTPConnection("127.0.0.1", webui.port, timeout=30)
    for route in ROUTES:
        connection.request("GET", route + quote(webui.picture.as_posix()), headers={"Range": "bytes=0-5"})
        answer = connection.getresponse()
        assert answer.status not in (200, 206) and SECRET[:6] not in answer.read()
    connection.close()


def test_the_refusal_is_a_sentence(webui):
    status, body = ask(webui, "/file=" + quote(webui.picture.as_posix()))
    assert status == 403 and b"private" in body
