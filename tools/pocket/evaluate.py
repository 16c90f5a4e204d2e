"""Measures what pocket draws: shares of right colours, backgrounds and shapes over prompts, and contact sheets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lora_trainer.pocket.exam import SEED, one_object_prompts, two_object_prompts
from lora_trainer.pocket.grammar import Scene
from lora_trainer.pocket.measure import Share, share_right
from tools.pocket.diffusion import build_text_encoder, build_unet, load_vae
from tools.pocket.progress import Log, load_checkpoint
from tools.pocket.sampling import Pocket, grid


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
    scenes, texts = two_object_prompts(round(60 * share))
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
