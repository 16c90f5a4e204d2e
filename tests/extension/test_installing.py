"""What works in the host is used; what it lacks is fetched once, beside its packages; what fails is a sentence."""

import sys
from pathlib import Path

import pytest

from lora_trainer import packages
from lora_trainer.errors import UserError
from lora_trainer.extension import extras, installing, probe, stamp
from lora_trainer.extension.settling import Settling

HOST = Path("/host/site-packages")
pytestmark = pytest.mark.usefixtures("clean_imports")


class Machine:
    """A made-up host: which packages work in it, whether there is a network, and what was done."""

    def __init__(self, root, works=(), network=True, pinned_work=True):
        self.root, self.works, self.network, self.pinned_work = root, set(works), network, pinned_work
        self.probed, self.fetched = 0, []

    def probe(self, places, root):
        self.probed += 1
        return {
            name: {"works": True, "version": "1", "place": str(places.get(name, HOST)), "reason": ""}
            if (name in self.works and name not in places) or (name in places and self.pinned_work)
            else {"works": False, "version": "", "place": "", "reason": "is not there"}
            for name in packages.NEEDED
        }

    def fetch(self, wanted, folder):
        self.fetched.append(list(wanted))
        if not self.network:
            return "no route to host"
        for name in wanted:
            (folder / name.partition("==")[0]).mkdir(parents=True, exist_ok=True)
        return ""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the machine that everything runs on."""

    def make(**facts):
        (tmp_path / "requirements").mkdir(exist_ok=True)
        for name in (*installing.PINS, extras.FILE):
            text = (stamp.ROOT / "requirements" / name).read_text(encoding="utf-8")
            (tmp_path / "requirements" / name).write_text(text, encoding="utf-8")
        made = Machine(tmp_path, **facts)
        monkeypatch.setattr(installing, "probe", made.probe)
        monkeypatch.setattr(installing, "fetch", made.fetch)
        monkeypatch.setattr(extras, "EXTRAS", ())
        return made

    return make


def test_what_the_host_lacks_is_fetched_at_the_pinned_versions(machine):
    host = machine()
    found = installing.ensure(host.root)
    assert found.problem is None
    assert host.fetched == [["diffusers==0.31.0", "peft==0.13.2"]]
    assert set(found.places.values()) == {host.root / "packages"}


def test_what_the_host_has_is_used(machine):
    host = machine(works=packages.NEEDED)
    assert set(installing.ensure(host.root).places.values()) == {HOST}
    assert host.fetched == []


def test_only_what_is_missing_is_fetched(machine):
    host = machine(works=["diffusers"])
    found = installing.ensure(host.root)
    assert host.fetched == [["peft==0.13.2"]]
    assert found.places == {"diffusers": HOST, "peft": host.root / "packages"}


def test_a_normal_start_does_not_look_again(machine):
    host = machine()
    installing.ensure(host.root)
    probed = host.probed
    assert installing.ensure(host.root).problem is None
    assert host.probed == probed and len(host.fetched) == 1


def test_other_versions_in_the_host_are_looked_at_anew_but_not_fetched_anew(machine, monkeypatch):
    host = machine()
    installing.ensure(host.root)
    monkeypatch.setattr(stamp, "now", lambda: {"torch": "9.9"})
    monkeypatch.setattr(installing, "now", lambda: {"torch": "9.9"})
    probed = host.probed
    assert installing.ensure(host.root).problem is None
    assert host.probed > probed and len(host.fetched) == 1


def test_packages_that_were_deleted_are_fetched_again(machine):
    host = machine()
    installing.ensure(host.root)
    (host.root / "packages" / "peft").rmdir()
    installing.ensure(host.root)
    assert len(host.fetched) == 2


def test_without_a_network_the_sentence_says_what_to_run_and_the_next_start_tries_again(machine):
    host = machine(network=False)
    sentence = installing.ensure(host.root).problem
    assert sys.executable in sentence and "install.py" in sentence and "no route to host" in sentence
    host.network = True
    assert installing.ensure(host.root).problem is None


def test_packages_that_do_not_work_here_are_named(machine):
    host = machine(pinned_work=False)
    sentence = installing.ensure(host.root).problem
    assert sentence.code == "packages_unusable"
    assert "diffusers is not there" in sentence
    assert len(host.fetched) == 2, "older and newer versions are tried"


def test_a_folder_that_cannot_be_written_is_a_sentence(machine, monkeypatch):
    host = machine(works=packages.NEEDED)

    def refuse(*_):
        raise UserError("'stamp.json' cannot be written: read-only file system.")

    monkeypatch.setattr(installing, "write", refuse)
    assert "read-only" in installing.ensure(host.root).problem


def test_what_is_good_to_have_comes_along_and_is_fetched_once(machine, monkeypatch):
    host = machine(works=packages.NEEDED)
    monkeypatch.setattr(extras, "EXTRAS", ("wakepy",))
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    assert installing.ensure(host.root).places["wakepy"] == host.root / "packages"
    monkeypatch.setattr(installing, "now", lambda: {"torch": "9.9"})
    assert installing.ensure(host.root).problem is None
    assert host.fetched == [["wakepy==1.0.0"]]


def test_what_came_along_is_used_as_a_private_copy(tmp_path):
    from .conftest import write_package

    write_package(tmp_path, "wakepy", "9", __init__="from wakepy import keep\n", keep="running = 'private'\n")
    packages.use({"wakepy": tmp_path})
    assert packages.wakepy().keep.running == "private"


def test_what_is_good_to_have_is_done_without_where_it_cannot_be_fetched(machine, monkeypatch):
    host = machine(works=packages.NEEDED, network=False)
    monkeypatch.setattr(extras, "EXTRAS", ("wakepy",))
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    found = installing.ensure(host.root)
    assert found.problem is None and "wakepy" not in found.places


def test_a_new_version_of_the_extension_looks_again(machine, monkeypatch):
    host = machine()
    installing.ensure(host.root)
    monkeypatch.setattr(stamp, "__version__", "99.0")
    probed = host.probed
    installing.ensure(host.root)
    assert host.probed > probed


def test_the_stamp_is_read_as_it_was_written(tmp_path):
    places = {"diffusers": tmp_path / "packages", "peft": HOST}
    stamp.write(stamp.Stamp({"torch": "2"}, places), tmp_path)
    assert stamp.read(tmp_path).places == places
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert stamp.read(moved).places["diffusers"] == moved / "packages"


def test_a_problem_survives_the_stamp_whatever_stands_in_it(tmp_path):
    problem = installing._unfetched(["peft==1"], "odd {braces} and %s", tmp_path)
    stamp.write(stamp.Stamp({}, problem=problem), tmp_path)
    read = stamp.read(tmp_path).problem
    assert read == problem and (read.code, read.values) == (problem.code, problem.values)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"problem": 3}'])
def test_a_damaged_stamp_counts_as_none(tmp_path, text):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "stamp.json").write_text(text, encoding="utf-8")
    assert stamp.read(tmp_path) is None


def test_a_start_without_the_installers_says_what_to_run(tmp_path):
    sentence = Settling(tmp_path).problem()
    assert sentence.code == "packages_unchecked" and "install.py" in sentence


def test_an_installation_by_hand_takes_effect_without_a_restart(machine):
    host = machine(network=False)
    installing.ensure(host.root)
    settling = Settling(host.root)
    assert settling.problem().code == "packages_unfetched"
    host.network = True
    installing.ensure(host.root)
    assert settling.problem() is None
    assert packages._places["diffusers"] == host.root / "packages"


def test_the_probe_says_which_packages_are_missing_without_importing_anything(monkeypatch):
    monkeypatch.setattr(probe.importlib.util, "find_spec", lambda name: None)
    found = probe.probe({})
    assert {answer["reason"] for answer in found.values()} == {"is not there"}


def test_the_probe_finds_that_what_is_installed_here_works():
    found = probe.probe({})
    assert all(answer["works"] for answer in found.values()), found
    assert all((Path(answer["place"]) / name).is_dir() for name, answer in found.items())


def test_the_probe_tells_why_a_package_does_not_work(tmp_path):
    from .conftest import write_package

    write_package(tmp_path, "diffusers", "0.1", __init__="raise RuntimeError('needs another torch')\n")
    assert "needs another torch" in probe.probe({"diffusers": tmp_path})["diffusers"]["reason"]
