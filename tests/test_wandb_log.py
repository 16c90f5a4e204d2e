"""Weights & Biases, as a small module of that name plays it: asked for it hears numbers, and it can hurt nobody."""

import json
import sys
import textwrap
import threading
import time

import pytest

from lora_trainer import options, wandb_log
from lora_trainer.events import Failed, Finished, Sample, Started, Step, Validated
from lora_trainer.wandb_log import WandbLog, problem, told_options

STEP = Step(3, 1, 0.5, 0.6, {"unet": 1e-4}, 0.1, 0.2, 30.0, 1000, 61.0)
STARTED = Started("zorb", "sd1", "epsilon", "secret-base", 4, 0, 100, 10, (), "cpu", 1, 10, 2)
SAMPLE = Sample(3, "/home/me/secret.png", "a secret prompt", 1)
FINISHED = Finished(3, "/home/me/zorb.safetensors", 3, "/home/me/zorb.safetensors", 1.0)

FAKE = """
    import json, os, pathlib
    PLACE = pathlib.Path(os.environ["HEARD"])

    def heard(*what):
        with PLACE.open("a", encoding="utf-8") as file:
            file.write(json.dumps(what, default=str) + "\\n")

    class Settings:
        console: str
        disable_git: bool

        def __init__(self, **given):
            self.given = given
            heard("settings", given)

    class Run:
        summary = type("Summary", (), {"update": staticmethod(lambda given: heard("summary", given))})

        def log(self, values, step):
            heard("log", values, step)

        def finish(self, exit_code):
            heard("finish", exit_code)

    class Image:
        def __init__(self, path, caption):
            self.text = f"{path}: {caption}"

        def __str__(self):
            return self.text

    def login(prompt):
        heard("login", prompt)
        return LOGIN

    def init(settings, **given):
        heard("init", given)
        return Run()

    LOGIN = True
"""


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    """Puts the module in place, with more lines at its end; gives what it has heard."""

    def put(more=""):
        folder = tmp_path / "packages"
        folder.mkdir()
        (folder / "wandb.py").write_text(textwrap.dedent(FAKE) + textwrap.dedent(more), encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("HEARD", str(tmp_path / "heard.jsonl"))
        monkeypatch.delitem(sys.modules, "wandb", raising=False)
        return lambda: [
            json.loads(line) for line in (tmp_path / "heard.jsonl").read_text(encoding="utf-8").splitlines()
        ]

    yield put
    sys.modules.pop("wandb", None)


def config(**more):
    values = {
        "save.name": "zorb",
        "save.wandb": True,
        "base.checkpoint": "/home/me/secret-base.safetensors",
        "data.folders": ["/home/me/secret"],
        "data.trigger_word": "secretword",
        "samples.prompts": ["a secret prompt"],
        "save.comment": "a secret remark",
    }
    return options.build(options.unflattened(values | {key.replace("__", "."): one for key, one in more.items()}))


def tell(folder, *events, **more):
    log = WandbLog(config(**more), folder)
    for event in events:
        log.write(event)
    log.close()
    return log


def test_whoever_asks_for_it_has_the_curves_there(wandb, tmp_path):
    heard = wandb()
    tell(tmp_path, STARTED, STEP, Validated(3, 0.4, True), SAMPLE, FINISHED)
    told = {(kind, *rest[1:]): rest[0] for kind, *rest in heard()}
    assert told["init",]["name"] == "zorb" and told["init",]["config"]["network.rank"] == 16
    assert told["log", 3] == {"loss/validation": 0.4} and told["finish",] == 0 and told["login",] is False
    assert any(rest[0].get("temperature/C") == 61.0 for kind, *rest in heard() if kind == "log")
    assert told["settings",] == {"console": "off", "disable_git": True}


def test_nothing_that_somebody_wrote_or_drew_goes_there(wandb, tmp_path):
    heard = wandb()
    tell(tmp_path / "run", STARTED, STEP, SAMPLE, FINISHED)
    given = json.dumps(heard()).replace(json.dumps(str(tmp_path / "run"))[1:-1], "")
    assert "secret" not in given and "/home/me" not in given
    assert not [path for path in told_options(config()) if path.startswith("save.wandb")]


def test_samples_go_there_when_they_are_asked_for(wandb, tmp_path):
    heard = wandb()
    tell(tmp_path, STARTED, SAMPLE, save__wandb_samples=True)
    assert ["log", {"sample": "/home/me/secret.png: a secret prompt"}, 3] in heard()


def test_a_run_that_goes_on_is_the_same_one_there(wandb, tmp_path):
    heard = wandb()
    for _ in range(2):
        tell(tmp_path, STARTED, STEP)
    assert len({rest["id"] for kind, rest, *_ in heard() if kind == "init"}) == 1


def test_a_run_that_failed_is_told_as_such(wandb, tmp_path):
    heard = wandb()
    tell(tmp_path, STARTED, STEP, Failed(3, "a secret sentence"))
    assert heard()[-1] == ["finish", 1]


def test_by_default_it_is_not_even_imported(wandb, tmp_path):
    wandb("raise RuntimeError('imported')")
    log = tell(tmp_path, STARTED, STEP, save__wandb=False)
    assert log._thread is None and "wandb" not in sys.modules


@pytest.mark.parametrize(
    "more",
    [
        "raise RuntimeError('key=hidden')",
        "LOGIN = False",
        "def init(**given): raise OSError('key=hidden')",
        "Run.log = lambda self, values, step: 1 / 0",
        "def init(**given): raise SystemExit(1)",
    ],
)
def test_what_goes_wrong_there_is_a_line_in_the_log_without_its_words(wandb, tmp_path, more, caplog):
    wandb(more)
    tell(tmp_path, STARTED, STEP, FINISHED)
    assert "hidden" not in caplog.text


def test_one_that_hangs_is_left_behind(wandb, tmp_path, monkeypatch):
    monkeypatch.setattr(wandb_log, "PATIENCE", 0.1)
    monkeypatch.setattr(wandb_log, "MOST_WAITING", 10)
    wandb("import threading\nGO = threading.Event()\ndef init(**given): GO.wait(20)")
    begun = time.monotonic()
    tell(tmp_path, STARTED, *[STEP] * 100)
    assert time.monotonic() - begun < 15
    sys.modules["wandb"].GO.set()
    for thread in threading.enumerate():
        if thread.name == "train-lora wandb":
            thread.join(5)


def test_a_package_that_is_not_there_is_told_before_the_run(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert problem(config()).code == "wandb_missing" and problem(config(save__wandb=False)) is None
