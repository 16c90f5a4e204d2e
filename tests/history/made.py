"""Runs that never ran: folders with what a run would have left behind."""

from pathlib import Path

from PIL import Image, PngImagePlugin

from lora_trainer import options
from lora_trainer.events import Finished, Sample, Started, Step, Validated
from lora_trainer.history import Past
from lora_trainer.run_folder import EventLog, RunFolder

PROMPTS = ("a zorb", "a cat")


def made(folder, name, *, steps=4, every=2, loss=0.5, prompts=PROMPTS, seed=1, **options_):
    """A finished run in `folder` that took `steps` steps, with samples, saves, states and a cache; its RunFolder."""
    place = RunFolder(Path(folder), name)
    values = {"save.name": name, "save.output": str(folder), "base.checkpoint": "pocket", "steps": steps}
    given = {key.replace("__", "."): value for key, value in options_.items()}
    place.create(options.build(options.unflattened({**values, **given})), {"device": "cpu", "base": {"path": "/x"}})
    log = EventLog(place.events)
    log.write(Started(name, "sd1", "epsilon", "pocket", 4, 0, steps, 4, (), "cpu", 1, 10, 2))
    for step in range(1, steps + 1):
        now = loss * (1 + 1 / step)
        log.write(Step(step, 1, now, now, {"unet": 1e-4}, 1.0, 0.5, 0.0, 0))
        if step % every == 0:
            log.write(Validated(step, loss + 0.1 * step, best=step == every))
            for number, prompt in enumerate(prompts, 1):
                log.write(Sample(step, str(drawn(place.samples / f"step{step:06d}-{number}.png")), prompt, seed))
            place.save_path(step).write_bytes(b"x" * 1000)
    log.write(Finished(steps, str(place.lora), every, "", 3.0))
    log.close()
    place.lora.write_bytes(b"y" * 1000)
    (place.states / "state.safetensors").write_bytes(b"z" * 5000)
    place.cache.mkdir()
    (place.cache / "latents").write_bytes(b"c" * 700)
    return place


def drawn(path, text="a zorb <lora:secret:1>"):
    """A picture whose file tells how it was made."""
    facts = PngImagePlugin.PngInfo()
    facts.add_text("parameters", text)
    Image.new("RGB", (8, 8), (9, 90, 200)).save(path, pnginfo=facts)
    return path


def past(folder, name, *, notes=None, **values):
    """A run that never ran, as its history sees it; `values` that are options have '__' in their names."""
    known = {key: values.pop(key) for key in [*values] if key in Past.__dataclass_fields__}
    place = made(folder, name, **values)
    config, _ = options.read(options.read_yaml(place.config))
    return Past(known.pop("id", name), name, place, config, notes or Path(folder) / f"{name}.json", **known)
