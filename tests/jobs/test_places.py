"""Where runs may be, and which of them where."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from lora_trainer import devices, options
from lora_trainer.errors import ConfigError
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.places import places_of, runner_apart
from lora_trainer.jobs.process import OwnProcessRunner
from lora_trainer.jobs.record import Record


@pytest.fixture(autouse=True)
def three_cards(monkeypatch):
    def full_name(name):
        known = {"auto": "cuda:0", "cuda": "cuda:0", "cpu": "cpu", **{f"cuda:{n}": f"cuda:{n}" for n in range(3)}}
        if name not in known:
            raise ConfigError(["There is no such device."])
        return known[name]

    monkeypatch.setattr(devices, "full_name", full_name)
    monkeypatch.setattr(devices, "alone", lambda name: (name, {}))
    monkeypatch.setattr(devices, "memory_beside", lambda name: (8, 24))


def host(kind="standalone", own="auto", *, opens=True):
    return SimpleNamespace(kind=kind, device=own, elsewhere=lambda config: config if opens else None)


def job(wished="auto", **record):
    config = options.build({})
    config = replace(config, memory=replace(config.memory, device=wished))
    return Job(Record("1", "zorb", {}, **record), config, lambda _: None)


def taking(places, job):
    return [place.name for place in places if place.takes(job)]


def test_the_host_s_own_comes_first_and_a_device_may_be_there_twice():
    places = places_of(host(), "in place", ["cuda:1", "cuda:0", "cpu", "cpu", "cuda:7"])
    assert [place.name for place in places] == ["cuda:0", "cuda:1", "cuda:0 (2)", "cpu", "cpu (2)"]
    assert [place.device for place in places] == ["cuda:0", "cuda:1", "cuda:0", "cpu", "cpu"]
    assert [place.own for place in places] == [True, False, False, False, False]
    assert places[0].runner == "in place" and isinstance(places[1].runner, OwnProcessRunner)


def test_runs_on_the_host_s_own_device_may_have_processes_of_their_own(monkeypatch):
    alone = []
    monkeypatch.setattr(devices, "alone", lambda name: alone.append(name) or (name, {}))
    runners = [runner_apart(host()), runner_apart(host(), "cpu")]
    assert all(isinstance(runner, OwnProcessRunner) for runner in runners)
    assert alone == ["cuda:0", "cpu"]


def test_alone_the_host_s_own_takes_every_run():
    (place,) = places_of(host(own="cpu"), "in place")
    assert place.name == "cpu" and place.takes(job()) and place.takes(job("cuda:1"))


def test_a_run_whose_options_name_a_device_is_for_that_one():
    places = places_of(host(), "in place", ["cuda:1", "cpu"])
    assert taking(places, job()) == ["cuda:0", "cuda:1", "cpu"]
    assert taking(places, job("cuda")) == ["cuda:0"]
    assert taking(places, job("cuda:1")) == ["cuda:1"]
    assert taking(places, job("cuda:2")) == ["cuda:0"]  # nobody has it, and the host's own tells what is the matter


def test_a_base_that_only_the_host_can_open_stays_with_it():
    places = places_of(host("webui", opens=False), "in place", ["cuda:1"])
    assert taking(places, job()) == taking(places, job("cuda:1")) == ["cuda:0"]


def test_a_webui_s_device_is_not_given_away_and_its_model_is_no_obstacle():
    places = places_of(host("webui", "cuda:1"), "in place", ["cuda:0", "cuda:1"])
    assert [place.name for place in places] == ["cuda:1", "cuda:0"]
    assert [place.memory() for place in places] == [(24, 24), (8, 24)]


def test_a_webui_s_device_that_is_named_twice_takes_a_second_run_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(Job, "state_step", 3)
    places = places_of(host("webui", "cpu"), "in place", ["cpu", "cpu"])
    assert [place.name for place in places] == ["cpu", "cpu (2)"]
    assert isinstance(places[1].runner, OwnProcessRunner) and taking(places, job()) == ["cpu", "cpu (2)"]
    assert taking(places, job(device="cpu")) == ["cpu"] and taking(places, job(device="cpu (2)")) == ["cpu (2)"]


def test_beside_a_webui_a_run_goes_on_where_it_began(monkeypatch):
    monkeypatch.setattr(Job, "state_step", 3)
    places = places_of(host("webui"), "in place", ["cuda:1", "cuda:2"])
    assert taking(places, job(device="cuda:0")) == ["cuda:0"]
    assert taking(places, job(device="cuda:2")) == ["cuda:1", "cuda:2"]
    assert taking(places_of(host("webui"), "in place"), job(device="cuda:2")) == ["cuda:0"]
    assert len(taking(places_of(host(), "in place", ["cuda:1"]), job(device="cuda:0"))) == 2
