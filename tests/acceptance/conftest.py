"""What the tests of a running WebUI share."""

import pytest

pytest.register_assert_rewrite("tests.acceptance.webui")

from .webui import HostRun, select  # noqa: E402


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
