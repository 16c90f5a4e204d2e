from __future__ import annotations

from pathlib import Path

import pytest

from lora_trainer.errors import TrainingError
from lora_trainer.files import disk


def test_a_folder_that_is_not_there_yet_is_asked_for_its_disk(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "not" / "yet") == pytest.approx(disk.free_bytes(tmp_path), rel=0.05)


def test_what_does_not_fit_is_refused_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 10**9)
    disk.require_space(tmp_path, 9 * 10**8, "all saves")
    with pytest.raises(TrainingError, match=r"1\.0 GB free, but all saves need 5\.1 GB"):
        disk.require_space(tmp_path, 5 * 10**9, "all saves")
