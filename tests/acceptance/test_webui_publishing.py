"""Published LoRAs and tried saves in a running WebUI.

Needs WEBUI_URL: a host with --no-half on the CPU, started with --api, that holds the bases pocket,
pocket-sd2v and pocket-sdxl on this machine, and whose extensions/ has a link to tests/acceptance/webui_probe.
"""

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from lora_trainer.events import Finished, Sample
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.training import sampling
from tests.acceptance.webui import (
    MARKS,
    Before,
    Job,
    Refusal,
    ask,
    probe,
    progress,
    remove_lora,
    select,
    wait_for,
)
from tests.runs import draw_pictures, of_kind, run, values

pytestmark = MARKS

BASES = {"sd1": "pocket", "sd2": "pocket-sd2v", "sdxl": "pocket-sdxl"}
KINDS = {
    "plain": {},
    "conv": {"network__conv_rank": 2},
    "text": {"network__train_text_encoder": True},
    "all": {"network__train_text_encoder": True, "network__conv_rank": 2},
    "dora": {"network__type": "dora", "network__train_text_encoder": True, "network__conv_rank": 2},
    "lokr": {"network__type": "lokr", "network__train_text_encoder": True, "network__conv_rank": 2},
    "loha": {"network__type": "loha", "network__train_text_encoder": True, "network__conv_rank": 2},
}
PROMPT, NEGATIVE, STEPS = "a zorb, (red:1.2) ground", "blue", 5
MOST_RELATIVE, MOST_MEAN = 1e-3, 2.0
BODY = {"prompt": "a zorb", "seed": 5, "steps": STEPS, "width": 64, "height": 64, "cfg_scale": 4, "save_images": False}
SAMPLES = {"samples__prompts": [PROMPT], "samples__negative_prompt": NEGATIVE, "samples__steps": STEPS}


@pytest.fixture(scope="module", autouse=True)
def clean_folder():
    """The host tells LoRAs apart by their content too: what an earlier run left would stand for ours."""
    _remove_ours()
    yield
    _remove_ours()


def _remove_ours():
    for name in ("equal-*", "zorb"):
        remove_lora(name)


def refused(question, **asked):
    """The sentence with which the host's side of ours refuses."""
    with pytest.raises(Refusal) as refusal:
        probe(question, **asked)
    return refusal.value.sentence


def picture(png):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def txt2img(**more):
    return picture(ask("/sdapi/v1/txt2img", BODY | more)["images"][0])


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


@pytest.mark.parametrize("base", BASES.values())
@pytest.mark.parametrize("times", [1, 12])
def test_captions_are_what_the_host_makes_of_them_with_their_parentheses_taken_literally(base, times):
    select(base)
    caption, prompt = "a zorb (animal), [small]; ", r"a zorb \(animal\), \[small\]; "
    made = probe("captions", caption=caption * times, prompt=prompt * times)
    assert made["tokens"] == (77 if times == 1 else 2 * 77)
    assert made["host"] == 0 and made["twins"] < 1e-4


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A LoRA for pocket, and another one of its name that does something else."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "again").mkdir()
    file, _ = train(select("pocket"), folder, "zorb", network__train_text_encoder=True)
    read = read_lora(file)
    for module in read.modules.values():
        module.up = -module.up
    write_lora(folder / "again" / file.name, read.modules, read.metadata, "fp32")
    return file, folder / "again" / file.name


@pytest.fixture
def kept(trained):
    """The first LoRA under the name 'zorb' in the host's folder."""
    return probe("publish", file=str(trained[0]), card={"trigger_word": "zorb", "strength": 0.7}, replace=True)


def test_a_file_trained_again_under_the_same_name_takes_effect_at_once(trained, kept):
    prompt = "a zorb <lora:zorb:1>"
    first = txt2img(prompt=prompt)
    probe("publish", file=str(trained[1]), replace=True)
    second = txt2img(prompt=prompt)
    probe("publish", file=str(trained[0]), replace=True)
    assert np.abs(first - second).mean() > MOST_MEAN
    assert np.array_equal(txt2img(prompt=prompt), first)


def test_without_its_tag_the_host_draws_as_before(trained, kept):
    plain = txt2img()
    assert not np.array_equal(txt2img(prompt="a zorb <lora:zorb:1>"), plain)
    probe("publish", file=str(trained[1]), replace=True)
    assert probe("look")["baked"] == 0
    assert np.array_equal(txt2img(), plain)


def test_an_existing_lora_is_not_replaced_unless_it_is_said(trained, kept):
    said = refused("publish", file=str(trained[1]))
    assert (said["kind"], said["code"]) == ("LoraExists", "lora_exists")


def test_the_host_s_list_holds_the_published_file_with_its_metadata(kept):
    (shown,) = [lora for lora in ask("/sdapi/v1/loras") if lora["name"] == "zorb"]
    assert shown["alias"] == "zorb"
    assert shown["metadata"]["ss_base_model_version"] == "sd_v1"
    assert shown["metadata"]["ss_dataset_dirs"]["pictures"]["img_count"] == 4
    assert json.loads(Path(kept["file"]).with_suffix(".json").read_text(encoding="utf-8"))["preferred weight"] == 0.7


@pytest.fixture
def finished(tmp_path):
    """A job that was run and published through the page's routes, with pictures of its own."""
    select("pocket")
    before = Before()
    pictures = draw_pictures(tmp_path / "zorb")
    options = {"samples__every": 2, "samples__prompts": ["a zorb"], "data__trigger_word": "zorblat"}
    job = Job(pictures, steps=4, save__every=2, **options)
    assert job.until("finished", "failed")["state"] == "finished"
    yield job.look(), before
    remove_lora(Job.NAME)


def test_the_card_of_a_finished_job_shows_its_picture_trigger_word_and_weight(finished):
    job, before = finished
    assert job["published"]["name"] == Job.NAME
    assert [save["file"] for save in job["saves"]] == [f"{Job.NAME}-step000002.safetensors", f"{Job.NAME}.safetensors"]
    listed = [lora["name"] for lora in ask("/sdapi/v1/loras")]
    assert Job.NAME in listed and f"{Job.NAME}-step000002" not in listed
    card = probe("card", name=Job.NAME)
    assert card["prompt"] == f'"<lora:{Job.NAME}:" + 1.0 + ">" + " zorblat"'
    assert f"{Job.NAME}.preview.png" in card["preview"] and card["sd_version"] == "SD1"
    before.again()


def tried_pictures(strengths, prompt="a zorb"):
    asked = {"prompt": prompt, "negative_prompt": "", "seed": 5, "width": 64, "height": 64, "steps": STEPS}
    asked |= {"guidance": 4.0, "sampler": "euler", "clip_skip": 1}
    return [{**asked, "loras": [[number, strength]]} for number, strength in strengths]


def test_tried_saves_are_drawn_as_published_ones_and_are_in_no_list_before_and_after(trained, kept, tmp_path):
    save = tmp_path / "zarb-step000006.safetensors"
    save.write_bytes(trained[0].read_bytes())
    txt2img(prompt="my own prompt")
    done = probe("draw", files=[str(save)], pictures=tried_pictures([(0, 0.5), (0, 1.0)]))
    assert done["before"] == done["inside"] | {"loaded": [], "baked": 0}
    assert done["after"] == done["before"]
    assert "my own prompt" in done["after"]["last_prompt"]
    for one, strength in zip(done["pictures"], ("0.5", "1")):
        published = txt2img(prompt=f"a zorb <lora:zorb:{strength}>", sampler_name="Euler", scheduler="Automatic")
        assert np.array_equal(picture(one["png"]), published)
        assert f"<lora:zarb-step000006:{strength}>" in one["infotext"]


def test_other_loras_in_the_prompt_take_part(trained, kept, tmp_path):
    save = tmp_path / "zarb-step000006.safetensors"
    save.write_bytes(trained[1].read_bytes())
    prompt = "a zorb <lora:zorb:1>"
    done = probe("draw", files=[str(save)], pictures=tried_pictures([(0, 1.0)], prompt))
    both = picture(done["pictures"][0]["png"])  # one undoes the other
    assert np.abs(both - txt2img(sampler_name="Euler")).mean() < 0.5 < np.abs(both - txt2img(prompt=prompt)).mean()


def test_the_axis_of_strengths_is_in_the_plot_and_draws(kept):
    assert probe("axis")["labels"].count("LoRA strength") == 1
    kinds = probe("axis")["labels"]
    number = kinds.index("LoRA strength")
    blank = kinds.index("Nothing")
    script = {"script_name": "X/Y/Z plot"}
    script["script_args"] = [number, "0, 0.5-1 [2]", [], blank, "", [], blank, "", []]
    script["script_args"] += [False, True, False, False, False, False, False, 0, False]  # single pictures, no legend
    images = ask("/sdapi/v1/txt2img", BODY | {"prompt": "a zorb <lora:zorb:0.3>"} | script)["images"]
    cells = [picture(image) for image in images if picture(image).shape == (64, 64, 3)]
    for strength, cell in zip(("0", "0.5", "1"), cells, strict=True):
        assert np.array_equal(cell, txt2img(prompt=f"a zorb <lora:zorb:{strength}>"))


def tries_out():
    """The host's progress while pictures are tried out."""
    now = progress()
    return now["state"]["job"] == "Train LoRA: try it" and now["state"]["sampling_step"] > 1 and now


def test_the_host_s_progress_shows_a_try_out_and_its_interrupt_ends_it(trained, kept):
    long = [{**one, "steps": 150} for one in tried_pictures([(0, 0.5), (0, 1.0)])]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(refused, "draw", files=[str(trained[0])], pictures=long)
        assert 0 < wait_for(tries_out)["progress"] < 1
        ask("/sdapi/v1/interrupt", {})
        assert answer.result(60)["code"] == "interrupted"
    after = probe("look")
    assert after["baked"] == 0 and after["loaded"] == []
    assert progress()["state"]["job"] == ""
