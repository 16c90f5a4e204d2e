"""What the page shows of a run is the same over a WebSocket, without one, and over one that breaks."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from lora_trainer import options
from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.api import watcher
from lora_trainer.events import Started, Step, Validated, Warned
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import FINISHED

from .conftest import open_page
from .test_first_run import wait_for_text

pytestmark = pytest.mark.acceptance

STEPS = 600
WATCHED = """
    window.sockets = [];
    window.asked = [];
    const fetched = window.fetch;
    window.fetch = (url, ...rest) => (window.asked.push(String(url)), fetched(url, ...rest));
    window.WebSocket = class extends window.WebSocket {
        constructor(...given) { super(...given); window.sockets.push(this); }
    };"""
BLOCKED = "window.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError'); } };"


class Scripted:
    """A run that tells a step with a remark on each, as fast as the test lets it."""

    def __init__(self):
        self.pause, self.go = 0.01, threading.Event()

    def run(self, job):
        started = Started(job.record.name, "sd1", "epsilon", "b", 4, 0, STEPS, 10, (), "cpu", 1, 10, 2)
        job.take(started)
        for number in range(1, STEPS + 1):
            job.take(Step(number, 1, 1 / number, 1 / number, {"unet": 1e-4}, 0.1, 0.2, 10.0, 1000))
            if number % 3 == 0:
                job.take(Warned("remark", f"Remark {number}.", number))
            if number % 100 == 0:
                job.take(Validated(number, 0.5, best=False))
            if number == STEPS // 2:
                self.go.wait(60)
            time.sleep(self.pause)
        job.end(FINISHED)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, folder / "loras", folder / "data")
    made = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=Scripted()))
    made.habits.turn(grid_at_end=False)
    yield made
    made.jobs.close()


@contextmanager
def serving(desk, accounts=None):
    """The address of the page on that desk, in this process."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    uvicorn = pytest.importorskip("uvicorn")
    from lora_trainer.ui.server import make_server

    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(make_server(desk, accounts), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive(), "open sockets kept the server from ending"


@pytest.fixture(scope="module")
def address(desk):
    with serving(desk) as address:
        yield address


@pytest.fixture
def begun(desk, tmp_path, request):
    """A run that has told half of its steps when `go` is set, and the rest after."""
    from PIL import Image

    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    runner = desk.jobs._runner
    runner.go.clear()
    config = desk.config(
        {"data.folders": [str(tmp_path)], "save.name": f"run {request.node.name[5:20]}", "steps": STEPS}
    )
    yield runner, desk.jobs.submit(config)
    runner.go.set()


@pytest.fixture
def visit(browser, address):
    """Open the page of that desk, with a script before all others."""
    contexts = []

    def opened(script):
        contexts.append(browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB"))
        page = contexts[-1].new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.add_init_script(script)
        open_page(page, address)
        return page

    yield opened
    for context in contexts:
        context.close()


def seen_whole(page, job):
    """The log and the curve, when the run has ended: everything once and in order."""
    wait_for_text(page, ".lt-state", "finished")
    wait_for_text(page, ".lt-log", f"Remark {STEPS}.")
    remarks = page.locator(".lt-log-warned").all_text_contents()
    assert remarks == [f"Remark {number}." for number in range(3, STEPS + 1, 3)]
    points = page.locator(".lt-line-smooth").get_attribute("points").split()
    steps = [float(point.partition(",")[0]) for point in points]
    assert len(points) == STEPS and steps == sorted(set(steps))
    assert page.locator(".lt-dot").count() == STEPS // 100
    assert page.complaints == []


def open_sockets(page):
    return page.evaluate("window.sockets.filter((one) => one.readyState === 1).length")


def wait_for_socket(page):
    page.wait_for_function("window.sockets.some((one) => one.readyState === 1)")


def test_over_a_socket_everything_is_shown_and_nothing_is_asked_for(visit, begun):
    runner, job = begun
    page = visit(WATCHED)
    wait_for_socket(page)
    page.wait_for_timeout(500)
    page.evaluate("window.asked.length = 0")
    runner.go.set()
    seen_whole(page, job)
    assert [url for url in page.evaluate("window.asked") if url.endswith("state") or "/events" in url] == []


def test_where_no_socket_may_be_opened_the_page_asks(visit, begun):
    runner, job = begun
    page = visit(BLOCKED)
    runner.go.set()
    seen_whole(page, job)


def test_where_a_proxy_carries_no_socket_the_page_asks(visit, begun):
    runner, job = begun
    page = visit(WATCHED.replace("super(...given)", "super(given[0].replace('/live', '/none'))"))
    runner.go.set()
    seen_whole(page, job)
    assert open_sockets(page) == 0


def test_a_socket_that_breaks_again_and_again_loses_and_doubles_nothing(visit, begun):
    runner, job = begun
    page = visit(WATCHED)
    wait_for_socket(page)
    runner.go.set()
    while job.state != FINISHED:
        page.evaluate("window.sockets.forEach((one) => one.close())")
        page.evaluate("Date.now = ((now) => () => now() + 60000 * window.sockets.length)(Date.now)")
        page.wait_for_timeout(300)
    seen_whole(page, job)
    assert len(page.evaluate("window.sockets.map((one) => one.url)")) > 1, "it never came back to a socket"


def test_behind_a_sign_in_the_socket_comes_up_and_ends_with_it(browser, desk, tmp_path, monkeypatch):
    pytest.importorskip("jwt")
    accounts = Accounts(tmp_path, Cost(2**4, 1, 1))
    accounts.add("ann", "a long password", "admin")
    accounts.add("bob", "a long password", "admin")
    monkeypatch.setattr(watcher, "CHECK", 0.2)
    with serving(desk, accounts) as address:
        page = browser.new_context(locale="en-GB").new_page()
        page.add_init_script(WATCHED)
        page.goto(address)
        page.fill("input[name='name']", "bob")
        page.fill("input[type='password']", "a long password")
        page.press("input[type='password']", "Enter")
        page.wait_for_selector(".lt[data-ready]")
        wait_for_socket(page)
        accounts.remove("bob")
        page.wait_for_selector("input[type='password']", timeout=20_000)
        page.context.close()
