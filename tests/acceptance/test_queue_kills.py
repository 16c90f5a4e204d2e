"""A program with a line of jobs is killed again and again; no job is lost, run twice, or ends otherwise."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lora_trainer.files.read import read_lora
from tests.runs import same_weights

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]
ROOT = Path(__file__).parent.parent.parent
NAMES, KILLS = ("one", "two", "three"), 50
PROGRAM = """
import sys, time
from pathlib import Path
from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.queue import Jobs
from tests.runs import values

base, pictures, folder = map(Path, sys.argv[1:4])
count, names = int(sys.argv[4]), sys.argv[5:]
base_options = options.build({"base": {"checkpoint": str(base)}})
host = StandaloneHost(base_options.base, base_options.memory, folder / "loras", folder / "data")
jobs = Jobs(host, folder / "data" / "runs")
known = {job.record.name for job in jobs.list()}
for name in names:
    if name not in known:
        more = {"save.name": name, "steps": count, "save.every": 3, "network.dropout": 0.1, "data.flip": True}
        jobs.submit(options.build(values(base, pictures, folder, **more)))
jobs.resume_all()
print("ready", flush=True)
while any(job.state not in ("finished", "failed", "stopped") for job in jobs.list()):
    time.sleep(0.02)
print([(job.record.name, job.state) for job in jobs.list()], flush=True)
"""


def program(base, pictures, folder):
    words = [sys.executable, "-c", PROGRAM, base, pictures, folder, 12, *NAMES]
    return subprocess.Popen([*map(str, words)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_killed_fifty_times_it_loses_no_job_and_runs_none_twice(random_sd1, pictures, tmp_path):
    begin = time.perf_counter()
    whole = program(random_sd1, pictures, tmp_path / "whole")
    output, _ = whole.communicate(timeout=600)
    assert whole.returncode == 0, output
    seconds, chance, killed = time.perf_counter() - begin, random.Random(7), tmp_path / "killed"
    for _ in range(KILLS):
        process = program(random_sd1, pictures, killed)
        try:
            process.wait(timeout=chance.uniform(0.1, 0.6) * seconds)
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        nothing_is_half_written(killed)
    last = program(random_sd1, pictures, killed)
    output, _ = last.communicate(timeout=600)
    assert last.returncode == 0 and output.count("finished") == len(NAMES), output
    for name in NAMES:
        (mine,) = killed.glob(f"data/runs/*/{name}.safetensors")
        (theirs,) = tmp_path.glob(f"whole/data/runs/*/{name}.safetensors")
        assert same_weights(mine, theirs), name
        assert (killed / "loras" / f"{name}.safetensors").is_file()


def nothing_is_half_written(folder):
    """Every file that bears its final name is whole, and what the list says is saved is there."""
    for file in folder.rglob("*.safetensors"):
        if not file.name.startswith("."):
            read_lora(file) if file.parent.name != "state" else None
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
