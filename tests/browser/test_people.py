"""On the server for several people an admin makes accounts and sets limits, and everybody has their own account."""

import os
import socket
import subprocess
import sys
import time

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost

from .conftest import PATIENCE, ROOT, _free_port

pytestmark = pytest.mark.acceptance
SECRET = "a long password"


@pytest.fixture(scope="module")
def corner(tmp_path_factory):
    """The address of `python -m lora_trainer serve` below a path, and its accounts."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    pytest.importorskip("jwt", reason="PyJWT is not installed")
    folder, port = tmp_path_factory.mktemp("corner"), _free_port()
    accounts = Accounts(folder / ".train-lora", Cost(2**4, 1, 1))
    accounts.add("root", SECRET, "admin")
    where = ["--host", "127.0.0.1", "--port", str(port), "--data", str(folder), "--root-path", "/trainer"]
    command = [sys.executable, "-m", "lora_trainer", "serve", *where]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    log = (folder / "server.log").open("w", encoding="utf-8")
    with log, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as server:
        try:
            _wait_for_port(port, server)
            yield f"http://127.0.0.1:{port}/trainer", accounts
        finally:
            server.terminate()


def _wait_for_port(port, server):
    """Until the server listens: before a sign-in it answers nothing else than that one is needed."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail("the server did not answer in time")


@pytest.fixture
def signed_in(browser, corner):
    """Signs somebody in; gives the page when it is ready."""
    contexts = []

    def sign_in(name):
        contexts.append(browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB"))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(corner[0])
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", SECRET)
        page.click("button")
        page.wait_for_selector(".lt[data-ready]")
        return page

    yield sign_in
    for context in contexts:
        context.close()


def test_an_admin_makes_an_account_sets_a_limit_and_its_owner_sees_it(signed_in, corner):
    admin = signed_in("root")
    admin.click(".lt-all-people")
    admin.fill("#lt-person-name", "bob")
    admin.fill("#lt-person-password", SECRET)
    admin.click(".lt-person-new button")
    limit = admin.locator("tr[data-name=bob] input").first
    limit.fill("3")
    limit.press("Enter")
    admin.wait_for_selector("tr[data-name=bob] .lt-link:has-text('Usual limits')")
    bob = signed_in("bob")
    assert not bob.locator(".lt-all-people").is_visible()
    bob.click(".lt-my-account")
    bob.wait_for_selector(".lt-usage li:has-text('0 of 3')")
    bob.fill("#lt-old-password", SECRET)
    bob.fill("#lt-own-password", "another password")
    bob.click(".lt-account .lt-primary")
    bob.wait_for_selector(".lt-notice.lt-good")
    assert corner[1].admitted("bob", "another password")
    bob.reload()
    bob.wait_for_selector(".lt[data-ready]")
