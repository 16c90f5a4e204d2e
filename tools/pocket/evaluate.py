"""Measures what pocket draws: shares of right colours, backgrounds and shapes over prompts, and contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from lora_trainer.pocket.grammar import Scene, caption, random_scene
from lora_trainer.pocket.measure import Share, share_right
from tools.pocket.diffusion import build_text_encoder, build_unet, load_vae
from tools.pocket.progress import Log, load_checkpoint
from tools.pocket.sampling import Pocket, grid

SEED = 7000


def prompts(count: int, objects: int, held_out: bool | None, seed: int) -> tuple[list[Scene], list[str]]:
    """Scenes and complete captions that no training step saw in this order."""
    rng = Random(seed)
    scenes = [random_scene(rng, objects, held_out) for _ in range(count)]
    return scenes, [caption(scene, rng, complete=True) for scene in scenes]


def one_object_prompts(known: int = 150, held_out: int = 50) -> tuple[list[Scene], list[str]]:
    """The prompts of the acceptance: `known` of trained combinations, then `held_out` of combinations never trained."""
    first, second = prompts(known, 1, False, SEED), prompts(held_out, 1, True, SEED + 1)
    return first[0] + second[0], first[1] + second[1]


def load_averaged(work: Path) -> Pocket:
    """The networks with averaged weights from the last checkpoint."""
    state = load_checkpoint(work / "diffusion.pt")
    if state is None:
        raise SystemExit(f"{work / 'diffusion.pt'} is not there: run `python -m tools.pocket diffusion` first.")
    unet, text = build_unet(), build_text_encoder()
    for name, module in (("unet.", unet), ("text.", text)):
        averaged = {k.removeprefix(name): v for k, v in state["averaged"].items() if k.startswith(name)}
        module.load_state_dict(averaged, strict=False)
        module.eval().requires_grad_(False)
    return Pocket(unet, text, load_vae(work), state["scale"])


def evaluate(work: Path, share: float = 1.0) -> None:
    """Logs the shares and writes contact sheets into `work`; `share` < 1 measures only some of the prompts."""
    log = Log(work / "evaluate.log")
    pocket = load_averaged(work)
    known, held_out = round(150 * share), round(50 * share)
    scenes, texts = one_object_prompts(known, held_out)
    images = pocket.draw(texts, SEED)
    grid(images[: 96 - 24] + images[known : known + 24], 12).save(work / "one_object.png")
    _report(log, "one object", scenes, images)
    _report(log, "of these held out", scenes[known:], images[known:])
    scenes, texts = prompts(round(60 * share), 2, None, SEED + 2)
    images = pocket.draw(texts, SEED + 500)
    grid(images[:48], 12).save(work / "two_objects.png")
    _report(log, "two objects", scenes, images)


def _report(log: Log, title: str, scenes: Sequence[Scene], images: Sequence) -> Share:
    right = share_right(scenes, images)
    log(
        f"{title} ({right.total}): colour {right.color:.1%}, background {right.background:.1%}, "
        f"shape {right.shape:.1%}, size {right.size:.1%}, place {right.place:.1%}, texture {right.texture:.1%}"
    )
    return right
