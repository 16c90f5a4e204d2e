"""Importing what a training needs."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from lora_trainer import own_process, packages


def test_importing_all_leaves_the_collector_as_it_was() -> None:
    packages.import_all()
    assert gc.isenabled()
    gc.disable()
    try:
        packages.import_all()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_is_running_again_after_a_package_that_cannot_be_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "diffusers", lambda: (_ for _ in ()).throw(ImportError("broken")))
    with pytest.raises(ImportError):
        packages.import_all()
    assert gc.isenabled()


def test_in_somebody_else_s_process_nothing_is_put_out_of_the_collector_s_reach() -> None:
    assert not own_process._begun
    out_of_reach, thresholds = gc.get_freeze_count(), gc.get_threshold()

    packages.import_all()

    assert gc.get_freeze_count() <= out_of_reach and gc.get_threshold() == thresholds


def test_the_program_s_own_process_does_not_look_through_imports_again() -> None:
    code = (
        "from lora_trainer import own_process, packages; own_process.begin(); import gc; "
        "packages.import_all(); print(gc.get_freeze_count())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100_000
