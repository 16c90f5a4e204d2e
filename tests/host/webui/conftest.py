"""A stand-in for the WebUI in this process: its package `modules` and its Lora extension's module `networks`."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.bases import random_base

STANDIN = Path(__file__).parent / "standin"
FORGE = Path(__file__).parent / "standin_forge"
NAMES = ("modules", "networks", "standin_model", "standin_checkpoints", "modules_forge", "backend")


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """A function that starts the stand-in with a checkpoint of a family; it gives the stand-in's modules by name."""
    monkeypatch.syspath_prepend(str(STANDIN))
    _forget()

    def start(family="sd1", *, prediction_type="epsilon", others=(), **options):
        import networks
        from modules import (
            call_queue,
            deepbooru,
            devices,
            interrogate,
            lowvram,
            modelloader,
            paths,
            processing,
            progress,
            sd_models,
            shared,
        )

        paths.data_path = paths.models_path = shared.cmd_opts.data_dir = str(tmp_path / "webui")
        shared.cmd_opts.lora_dir = str(tmp_path / "webui" / "models" / "Lora")
        Path(shared.cmd_opts.lora_dir).mkdir(parents=True, exist_ok=True)
        vars(shared.cmd_opts).update(options)
        for path in (random_base(family, prediction_type), *others):
            sd_models.CheckpointInfo(path).register()
        shared.opts.sd_model_checkpoint = random_base(family, prediction_type).name
        sd_models.load_model()
        shared.interrogator = interrogate.InterrogateModels()
        return SimpleNamespace(
            call_queue=call_queue,
            deepbooru=deepbooru,
            devices=devices,
            lowvram=lowvram,
            modelloader=modelloader,
            networks=networks,
            paths=paths,
            processing=processing,
            progress=progress,
            sd_models=sd_models,
            shared=shared,
        )

    yield start
    _forget()


@pytest.fixture
def webui(standin):
    """The stand-in with a tiny SD1 base."""
    return standin()


@pytest.fixture
def forge(tmp_path, monkeypatch):
    """The stand-in as Forge is: another holder of the model, and another Lora extension. Nothing is loaded yet."""
    for folder in (STANDIN, FORGE):
        monkeypatch.syspath_prepend(str(folder))
    _forget()
    import modules

    modules.__path__.insert(0, str(FORGE / "modules"))
    import networks
    from backend import memory_management
    from modules import call_queue, interrogate, paths, processing, sd_models, shared

    paths.data_path = paths.models_path = shared.cmd_opts.data_dir = str(tmp_path / "webui")
    shared.cmd_opts.lora_dir = str(tmp_path / "webui" / "models" / "Lora")
    Path(shared.cmd_opts.lora_dir).mkdir(parents=True)
    sd_models.CheckpointInfo(random_base("sd1")).register()
    shared.opts.sd_model_checkpoint = random_base("sd1").name
    shared.opts.forge_additional_modules = []
    shared.interrogator = interrogate.InterrogateModels()
    yield SimpleNamespace(
        call_queue=call_queue,
        memory_management=memory_management,
        networks=networks,
        processing=processing,
        sd_models=sd_models,
        shared=shared,
    )
    _forget()


def _forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in NAMES]:
        del sys.modules[name]


def copied(path: Path, folder: Path, name: str) -> Path:
    """A checkpoint under another name, with what lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (path, path.with_suffix(".yaml")):
        if file.exists():
            shutil.copy(file, folder / f"{name}{file.suffix}")
    if path.with_suffix(".clip").exists():
        shutil.copytree(path.with_suffix(".clip"), folder / f"{name}.clip", dirs_exist_ok=True)
    return folder / f"{name}.safetensors"
