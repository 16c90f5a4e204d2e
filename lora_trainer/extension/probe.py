"""`python -m lora_trainer.extension.probe [JSON of {package: folder}]`: do diffusers and peft work here?

A process of its own, so that nothing of it stays in anyone's memory: it builds a small network, attaches adapters and
takes one step backward. The answer is the last line that it prints.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from .. import packages

MARK = "probe: "


def probe(places: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """For every needed package: `works`, `version`, the folder that it lies in (`place`), and the `reason` if not."""
    found = {}
    packages.use(places)
    for name, check in {"diffusers": _check_diffusers, "peft": _check_peft}.items():
        if name not in places and importlib.util.find_spec(name) is None:
            found[name] = _answer(reason="is not there")
            continue
        try:
            found[name] = _answer(check())
        except Exception as error:  # noqa: BLE001 - a package that does not fit raises anything; the reason is the answer
            found[name] = _answer(reason=f"does not work ({type(error).__name__}: {error})")
    return found


def _answer(module: Any = None, reason: str = "") -> dict[str, Any]:
    if module is None:
        return {"works": False, "version": "", "place": "", "reason": reason}
    place = Path(module.__file__).resolve().parent.parent
    return {"works": True, "version": module.__version__, "place": str(place), "reason": ""}


def _check_diffusers() -> Any:
    """A small U-Net and VAE are built, as the twins are."""
    import torch

    diffusers: Any = packages.diffusers()
    unet = diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=8,
        layers_per_block=1,
    )
    out = unet(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 3, 8)).sample
    out.sum().backward()
    diffusers.AutoencoderKL(block_out_channels=(32,), use_quant_conv=True, use_post_quant_conv=True)
    return diffusers


def _check_peft() -> Any:
    """An adapter is attached to a layer and trained, as the networks do it."""
    import torch

    from ..networks.base import Plan
    from ..networks.dropout import Dropout, DropoutClock
    from ..networks.injection import Injection
    from ..networks.lora import LoRALinear
    from ..twin.lora_names import Target

    plan = Plan(Target("unet", "0", "probe", "linear", "mid"), rank=2, alpha=1.0)
    twin = torch.nn.Sequential(torch.nn.Linear(4, 4))
    injection = Injection(twin, {"0": lambda layer: LoRALinear(layer, plan, DropoutClock(0), Dropout())})
    twin(torch.ones(1, 4)).sum().backward()
    if not any(parameter.grad is not None for parameter in injection.adapters["0"].trained().values()):
        raise RuntimeError("the adapter got no gradient")
    return packages.peft()


def main() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    given = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    answer = probe({name: Path(place) for name, place in given.items()})
    print(MARK + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
