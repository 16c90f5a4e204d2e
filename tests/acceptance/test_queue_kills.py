"""A program with a line of jobs is killed again and again; no job is lost, run twice, or ends otherwise."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lora_trainer.files.read import read_lora
from tests.runs import same_weights

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]
ROOT = Path(__file__).parent.parent.parent
KILLS, LONGEST = 50, 4.0
"""Seconds for which a program lives at most, once its jobs have begun."""
PROGRAM = """
from lora_trainer import own_process
own_process.begin()  # as every program of the trainer's own: two threads add up the same from one run to the next
import sys, time
from pathlib import Path
from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.queue import Jobs
from tests.runs import values

base, pictures, folder, names = *map(Path, sys.argv[1:4]), sys.argv[4:]
base_options = options.build({"base": {"checkpoint": str(base)}})
host = StandaloneHost(base_options.base, base_options.memory, folder / "loras", folder / "data")
jobs = Jobs(host, folder / "data" / "runs")
known = {job.record.name for job in jobs.list()}
for name in names:
    if name not in known:
        more = {"save.name": name, "steps": 12, "save.every": 3, "network.dropout": 0.1, "data.flip": True}
        jobs.submit(options.build(values(base, pictures, folder, **more)))
jobs.resume_all()
print("ready", flush=True)
while any(job.state not in ("finished", "failed", "stopped") for job in jobs.list()):
    time.sleep(0.02)
print([(job.record.name, job.state) for job in jobs.list()], flush=True)
"""


def program(base, pictures, folder, names):
    words = [sys.executable, "-c", PROGRAM, base, pictures, folder, *names]
    process = subprocess.Popen(
        [*map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if line == "ready\n":
            return process
    raise AssertionError("The program ended before its jobs began.")


def finish(process, names):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0 and output.count("'finished'") == len(names), output


def test_killed_fifty_times_it_loses_no_job_and_runs_none_twice(random_sd1, pictures, tmp_path):
    chance, killed, kills, names = random.Random(7), tmp_path / "killed", 0, ["zorb-0", "zorb-1"]
    while kills < KILLS:
        process = program(random_sd1, pictures, killed, names)
        try:
            process.wait(timeout=chance.uniform(0, LONGEST))
            names.append(f"zorb-{len(names)}")
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        nothing_is_half_written(killed)
    finish(program(random_sd1, pictures, killed, names), names)
    finish(program(random_sd1, pictures, tmp_path / "whole", names), names)
    for name in names:
        (mine,) = killed.glob(f"data/runs/*/{name}.safetensors")
        (theirs,) = tmp_path.glob(f"whole/data/runs/*/{name}.safetensors")
        assert same_weights(mine, theirs), name
        assert (killed / "loras" / f"{name}.safetensors").is_file()


def nothing_is_half_written(folder):
    """Every file that bears its final name is whole, and what the list says is saved is there."""
    for file in folder.rglob("*.safetensors"):
        if not file.name.startswith(".") and file.parent.name != "state":
            read_lora(file)
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    database = folder / "data" / "jobs.sqlite3"
    if not database.exists():
        return
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for (text,) in connection.execute("SELECT record FROM job").fetchall():
            record = json.loads(text)
            for save in record["saves"]:
                assert (folder / "data" / "runs" / record["id"] / save["file"]).is_file(), (record["name"], save)
