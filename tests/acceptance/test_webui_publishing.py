"""Published LoRAs and tried saves in a running WebUI.

Needs WEBUI_URL: a host with --no-half on the CPU, started with --api, that holds the bases pocket,
pocket-sd2v and pocket-sdxl on this machine, and whose extensions/ has a link to tests/acceptance/webui_probe.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from lora_trainer.events import Finished, Sample
from lora_trainer.training import sampling
from tests.runs import draw_pictures, of_kind, run, values

URL = os.environ.get("WEBUI_URL", "").rstrip("/")
pytestmark = [pytest.mark.acceptance, pytest.mark.skipif(not URL, reason="WEBUI_URL names no running WebUI")]

BASES = {"sd1": "pocket", "sd2": "pocket-sd2v", "sdxl": "pocket-sdxl"}
KINDS = {
    "plain": {},
    "conv": {"network__conv_rank": 2},
    "text": {"network__train_text_encoder": True},
    "all": {"network__train_text_encoder": True, "network__conv_rank": 2},
}
PROMPT, NEGATIVE, STEPS = "a zorb, (red:1.2) ground", "blue", 5
MOST_RELATIVE, MOST_MEAN = 1e-3, 2.0
SAMPLES = {"samples__prompts": [PROMPT], "samples__negative_prompt": NEGATIVE, "samples__steps": STEPS}


def ask(path, body=None):
    """An answer of the host as plain values; errors of ours come as a dict with 'error'."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from error
        return json.loads(error.read())


def probe(question, **values):
    return ask(f"/train-lora-probe/{question}", values)


def select(base):
    """Make the host load `base`; returns the checkpoint's file."""
    ask("/sdapi/v1/options", {"sd_model_checkpoint": f"{base}.safetensors"})
    models = {model["model_name"]: model["filename"] for model in ask("/sdapi/v1/sd-models")}
    return Path(models[base])


def picture(png):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def txt2img(**more):
    body = {"prompt": "a zorb", "seed": 5, "steps": STEPS, "width": 64, "height": 64, "cfg_scale": 4} | more
    return picture(ask("/sdapi/v1/txt2img", {**body, "save_images": False})["images"][0])


def pasted(path):
    """The picture that the host draws from a sample's infotext, as its own paste button reads it."""
    png = base64.b64encode(path.read_bytes()).decode()
    found = ask("/sdapi/v1/png-info", {"image": png})["parameters"]
    return found["Prompt"], txt2img(
        prompt=found["Prompt"],
        negative_prompt=found["Negative prompt"],
        seed=int(found["Seed"]),
        steps=int(found["Steps"]),
        cfg_scale=float(found["CFG scale"]),
        width=int(found["Size-1"]),
        height=int(found["Size-2"]),
        sampler_name=found["Sampler"],
        scheduler=found["Schedule type"],
    )


def train(base, folder, name, *, record=None, **more):
    """A quick run that changes pictures plainly; returns its file and the last sample."""
    pictures = draw_pictures(folder / "pictures")
    quick = {"steps": 6, "optimizer__learning_rate": 0.02, "optimizer__text_encoder_rate": 0.002, "save__name": name}
    events = run(values(base, pictures, folder, **{**quick, **SAMPLES, **more}))
    assert of_kind(events, Finished)
    return folder / f"{name}.safetensors", Path(of_kind(events, Sample)[-1].path)


@pytest.fixture
def live(monkeypatch):
    """What the U-Net with live weights was asked for the samples, and what it answered, as named tensors."""
    asked, answers = {}, {}
    drawn = sampling.draw_latents

    def recording(loan, predict, wording, request, count=1):
        def recorded(noisy, timesteps, conditioning, sizes):
            answer = predict(noisy, timesteps, conditioning, sizes)
            number = len(answers)
            asked[f"latents{number}"] = noisy.clone()
            asked[f"timestep{number}"] = timesteps[:1].float().clone()
            answers[f"answer{number}"] = answer.clone()
            return answer

        return drawn(loan, recorded, wording, request, count)

    monkeypatch.setattr(sampling, "draw_latents", recording)
    return asked, answers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", BASES)
def test_the_host_draws_with_the_published_file_what_the_trainer_drew_with_live_weights(family, kind, live, tmp_path):
    asked, answers = live
    name = f"equal-{family}-{kind}"
    file, sample = train(select(BASES[family]), tmp_path, name, **KINDS[kind])

    published = probe("publish", file=str(file), card={"family": family}, replace=True)
    assert published["remarks"] == []  # it was loaded, and every key matched

    save_file(asked, tmp_path / "asked.safetensors")
    question = {"asked": str(tmp_path / "asked.safetensors"), "answers": str(tmp_path / "answers.safetensors")}
    wording = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "width": 64, "height": 64}
    probe("predict", name=name, **question, **wording)
    for key, theirs in load_file(tmp_path / "answers.safetensors").items():
        difference = (theirs - answers[key]).norm() / answers[key].norm()
        assert difference <= MOST_RELATIVE, f"{key}: {difference:.2e}"

    prompt, drawn = pasted(sample)
    assert f"<lora:{name}:1>" in prompt
    own = np.asarray(Image.open(sample).convert("RGB")).astype(int)
    assert np.abs(drawn - own).mean() <= MOST_MEAN
    assert np.abs(txt2img(prompt=PROMPT) - txt2img(prompt=prompt)).mean() > MOST_MEAN  # the LoRA is seen at all
