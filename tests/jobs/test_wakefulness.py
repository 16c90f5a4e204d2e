"""A run keeps the machine awake where there is something to do so with, and goes on where there is not."""

from types import SimpleNamespace

from lora_trainer import packages
from lora_trainer.jobs.wakefulness import awake


class Keeper:
    """Stands for wakepy's `keep.running`."""

    def __init__(self):
        self.told = []

    def running(self, on_fail):
        return self

    def __enter__(self):
        self.told.append("stay awake")

    def __exit__(self, *error):
        self.told.append("sleep when you like")


def test_the_machine_is_kept_awake_as_long_as_something_runs(monkeypatch):
    keeper = Keeper()
    monkeypatch.setattr(packages, "wakepy", lambda: SimpleNamespace(keep=keeper))
    with awake():
        assert keeper.told == ["stay awake"]
    assert keeper.told == ["stay awake", "sleep when you like"]


def test_a_run_goes_on_where_nothing_keeps_the_machine_awake(monkeypatch):
    def broken():
        raise ImportError("no module named wakepy")

    monkeypatch.setattr(packages, "wakepy", broken)
    with awake():
        went_on = True
    assert went_on
