import dataclasses
import struct

import pytest

from lora_trainer.curve_log import CurveLog
from lora_trainer.event_file import _checksum
from lora_trainer.events import Reached, Started, Step, Validated, Warned

STEP = Step(3, 1, 0.5, 0.6, {"unet": 1e-4}, 0.1, 0.2, 30.0, 1000, 61.0)
WITHOUT = dataclasses.replace(STEP, step=4, temperature=None)


def started(first_step):
    return Started("a", "sd1", "epsilon", "b", 4, first_step, 100, 10, (), "cpu", 1, 10, 2)


def write(folder, *events):
    log = CurveLog(folder)
    for event in events:
        log.write(event)
    log.close()


def curves(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return {tag: [(one.step, round(one.value, 6)) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_tensorboard_finds_the_curves_of_a_run(tmp_path):
    write(tmp_path, STEP, Warned("odd", "Something else."), Validated(3, 0.4, True), Reached(3, 0.9), WITHOUT)
    found = curves(tmp_path)
    assert found["loss/smooth"] == [(3, 0.6), (4, 0.6)] and found["loss/validation"] == [(3, 0.4)]
    assert found["temperature/C"] == [(3, 61.0)] and found["others/kept"] == [(3, 0.9)]
    assert {"loss/raw", "rate/unet", "gradient norm", "seconds per step", "memory/MB"} <= set(found)


def test_steps_that_are_taken_again_replace_those_before(tmp_path):
    again = [dataclasses.replace(STEP, step=number, loss=9.0) for number in (3, 4)]
    write(tmp_path, started(0), *(dataclasses.replace(STEP, step=number) for number in range(1, 5)))
    write(tmp_path, started(2), *again)
    assert curves(tmp_path)["loss/raw"] == [(1, 0.5), (2, 0.5), (3, 9.0), (4, 9.0)]


def test_a_record_says_its_length_and_is_checked(tmp_path):
    write(tmp_path, STEP)
    (file,) = tmp_path.glob("events.out.tfevents.*")
    content, records = file.read_bytes(), 0
    while content:
        length, data = content[:8], content[12 : 12 + struct.unpack("<Q", content[:8])[0]]
        rest = content[12 + len(data) :]
        assert (content[8:12], rest[:4]) == (_checksum(length), _checksum(data))
        content, records = rest[4:], records + 1
    assert records == 2


def test_the_checksum_is_the_one_of_the_standard():
    masked = struct.unpack("<I", _checksum(b"123456789"))[0]
    turned = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (turned >> 17 | turned << 15) & 0xFFFFFFFF == 0xE3069283


def test_curves_that_are_not_wanted_are_not_written(tmp_path):
    log = CurveLog(tmp_path / "curves", wanted=False)
    log.write(STEP)
    log.close()
    assert not (tmp_path / "curves").exists()


def test_curves_that_cannot_be_written_end_no_run(tmp_path, caplog):
    (tmp_path / "curves").write_text("in the way", encoding="utf-8")
    write(tmp_path / "curves", STEP, WITHOUT)
    assert caplog.text.count("No more curves") == 1
