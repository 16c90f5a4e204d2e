"""The page's files over HTTP."""

import re

import pytest

from lora_trainer.ui import assets

starlette = pytest.importorskip("starlette.applications")
TestClient = pytest.importorskip("starlette.testclient").TestClient


@pytest.fixture(scope="module")
def client():
    app = starlette.Starlette()
    assets.add_page(app)
    return TestClient(app)


def get(client, path, version=None):
    return client.get(f"/lora-trainer/v1/page/{version or assets.version()}/{path}")


def test_the_present_version_is_kept_by_browsers_and_others_are_not(client):
    assert "immutable" in get(client, "main.js").headers["cache-control"]
    assert get(client, "main.js", "older").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("main.js", "text/javascript"), ("page.css", "text/css"), ("catalogues/en.json", "application/json")],
)
def test_files_have_their_types(client, path, kind):
    assert get(client, path).headers["content-type"].startswith(kind)


@pytest.mark.parametrize("path", ["nothing.js", "../server.py", "..%2ftab.py", "catalogues/../../tab.py"])
def test_nothing_but_the_page_is_served(client, path):
    assert get(client, path).status_code == 404


def test_modules_import_only_each_other():
    """No build step, and nothing from other places."""
    modules = {name for name in assets.files() if name.endswith(".js")}
    for name in modules:
        script = assets.contents()[name].decode()
        imported = re.findall(r'(?:from|import\() ?"([^"]+)"', script)
        assert {path.removeprefix("./") for path in imported} <= modules, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|https?://(?!www\.w3\.org)", script), name
