"""A headless browser and the page's own server, each once for all tests."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
PATIENCE = 120


@pytest.fixture(scope="session")
def browser():
    """Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser: none of {', '.join(BROWSERS)} is on the path")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(address, folder) of `python -m lora_trainer ui` on the embedded base."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    folder, port = tmp_path_factory.mktemp("ui"), _free_port()
    log = (folder / "server.log").open("w", encoding="utf-8")
    command = [sys.executable, "-m", "lora_trainer", "ui", "--port", str(port), "--data", str(folder / "data")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    with log, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/lora-trainer/v1/state", server)
            yield address, folder
        finally:
            server.terminate()


@pytest.fixture
def page(browser, served):
    """A new visitor's page, ready to use. Whatever its scripts complain of fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, complaints = context.new_page(), []
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, served[0])
    yield page
    context.close()
    assert not complaints


def open_page(page, address):
    """Go to the page and wait until it is drawn."""
    page.goto(address)
    page.wait_for_selector(".lt[data-ready]")


def _free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def _wait_for(address, server):
    """Until the server answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
    pytest.fail("the server did not answer in time")
