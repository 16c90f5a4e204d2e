"""What the tests of a running WebUI share."""

import pytest

pytest.register_assert_rewrite("tests.acceptance.webui")

from .webui import OURS, URL, HostRun, ask, select  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def no_grid_at_end():
    """Jobs end without the usual grid, which would be drawn while the next test has begun."""
    if not URL:
        yield
        return
    usual = ask(f"{OURS}/state")["habits"]["grid_at_end"]
    ask(f"{OURS}/habits", {"grid_at_end": False}, "PUT")
    yield
    ask(f"{OURS}/habits", {"grid_at_end": usual}, "PUT")


@pytest.fixture
def pocket():
    """The host with the embedded base selected, before and after the test."""
    select("pocket")
    yield
    select("pocket")


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    """A function: the losses of a run of some options that nobody comes between. The base must be selected."""
    known = {}

    def losses(base="pocket", **options):
        key = (base, *sorted(options.items()))
        if key not in known:
            run = HostRun(pictures, tmp_path_factory.mktemp("undisturbed"), **options)
            assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
            known[key] = run.losses
        return known[key]

    return losses
