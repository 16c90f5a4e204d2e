"""Samples are black: the VAE gave no numbers."""

from __future__ import annotations

from ...events import Event, Sample
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition

DARK = 5


class BlackSamples(Condition):
    """Looks at every sample; one whose brightest place is black is no picture."""

    name, title = "black_samples", "Samples are black"
    remedy = "Set `memory.precision` to bf16 or fp32, or name a VAE in `base.vae` that is mended for fp16."

    def see(self, event: Event) -> Advice | None:
        if not isinstance(event, Sample) or not _is_black(event.path):
            return None
        sentence = Sentence(
            "advice_black_samples",
            "The sample after step {step} is black: the VAE overflows in this number format. Set memory.precision to "
            "bf16 or fp32, or base.vae to a VAE that is mended for fp16.",
            step=event.step,
        )
        return Advice(sentence, {"memory.precision": "fp32"})


def _is_black(path: str) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            brighter = image.convert("L").point([0] * (DARK + 1) + [255] * (255 - DARK))
            return brighter.getbbox() is None
    except (OSError, UnidentifiedImageError):  # it may have been taken away meanwhile
        return False


CONDITIONS.add(BlackSamples.name, BlackSamples)
