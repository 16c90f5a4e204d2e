import json
import shutil
import sys

import pytest
import torch
from PIL import Image

from lora_trainer import packages
from lora_trainer.captioning import Settings
from lora_trainer.captioning.base import text_of
from lora_trainer.captioning.clip import ClipTagger
from lora_trainer.captioning.vocabularies import SHIPPED
from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.vision.clip_model import ClipModel, architecture_of, is_torchscript, load_clip
from lora_trainer.vision.preprocessing import Preprocessing

from .colours import COLOURS

PICTURES = [Image.new("RGB", (40, 24), colour) for colour in COLOURS.values()]
NAMES = ["ViT-B-32", "ViT-B-32-quickgelu", "ViT-L-14", "ViT-L-14-336", "RN50"]


@pytest.fixture
def place(clip_folder, tmp_path):
    """A folder of captioning of one's own, in which only three colours are asked for."""
    shutil.copytree(clip_folder, tmp_path, dirs_exist_ok=True)
    own = tmp_path / "vocabularies"
    own.mkdir()
    for file in SHIPPED.iterdir():
        (own / file.name).write_text("tags: []", encoding="utf-8")
    values = {"most": 2, "threshold": 0.5, "templates": ["{}", "a {} thing"], "tags": [*COLOURS]}
    (own / "colours.yaml").write_text(json.dumps(values), encoding="utf-8")
    return tmp_path


def tags(settings, pictures=PICTURES):
    tagger = ClipTagger(settings)
    tagger.load()
    try:
        return tagger.caption(pictures)
    finally:
        tagger.close()


def test_the_nearest_tag_of_a_model_whose_answer_is_known(place):
    assert [text_of(answer) for answer in tags(Settings(place))] == ["red", "green", "blue"]


def test_threshold_and_most_of_the_settings_win_over_those_of_the_vocabulary(place):
    found = tags(Settings(place, threshold=0.0, most=3))[0]
    assert found[0].text == "red" and {tag.text for tag in found} == {*COLOURS}
    assert sum(tag.score for tag in found) == pytest.approx(1.0)
    assert tags(Settings(place, threshold=0.0))[0][:2] == found[:2]
    assert tags(Settings(place, threshold=1.0)) == [(), (), ()]


def test_what_says_that_nothing_fits_takes_its_share_and_is_no_tag(place):
    (place / "vocabularies" / "colours.yaml").write_text("tags: [green]\nnothing: [red]\n", encoding="utf-8")
    assert [text_of(answer) for answer in tags(Settings(place))[:2]] == ["", "green"]


def test_the_shares_are_open_clip_s_own(place):
    open_clip = packages.open_clip()
    config = json.loads((place / "clip" / "colours" / "open_clip_config.json").read_text("utf-8"))["model_cfg"]
    from safetensors.torch import load_file

    network = open_clip.CLIP(**config)
    network.load_state_dict(load_file(str(place / "clip" / "colours" / "model.safetensors")))
    pixels = torch.from_numpy(Preprocessing((16, 16))(PICTURES))
    with torch.no_grad():
        pictures = network.encode_image(pixels, normalize=True)
        means = torch.stack(
            [
                network.encode_text(open_clip.tokenize([name, f"a {name} thing"], 8), normalize=True).mean(0)
                for name in COLOURS
            ]
        )
        vectors = means / means.norm(dim=-1, keepdim=True)
        wanted = (network.logit_scale.exp() * pictures @ vectors.T).softmax(-1)
    answers = tags(Settings(place, threshold=0.0, most=3))
    ours = torch.tensor([[{tag.text: tag.score for tag in answer}[name] for name in COLOURS] for answer in answers])
    torch.testing.assert_close(ours, wanted)


def test_the_vectors_of_a_vocabulary_are_computed_once(place, monkeypatch):
    tags(Settings(place))
    monkeypatch.setattr(ClipModel, "texts", lambda self, texts: pytest.fail("computed again"))
    assert text_of(tags(Settings(place))[0]) == "red"
    (place / "vocabularies" / "colours.yaml").write_text("tags: [red]", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception):
        tags(Settings(place))


def test_without_a_model_it_says_where_to_put_one(tmp_path):
    sentence = ClipTagger(Settings(tmp_path)).missing()
    assert sentence.code == "clip_model_missing" and str(tmp_path / "clip") in sentence
    assert ClipTagger(Settings(tmp_path, model="gone.pt")).missing().code == "clip_model_unfit"


def test_a_file_whose_name_tells_no_architecture_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "mine.safetensors").touch()
    assert ClipTagger(Settings(tmp_path)).missing().code == "clip_name"
    (tmp_path / "clip" / "mine.safetensors").rename(tmp_path / "clip" / "vit_b_32 mine.safetensors")
    assert ClipTagger(Settings(tmp_path)).missing() is None


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("ViT-B-32.safetensors", "ViT-B-32"),
        ("vit_b_32_laion2b.bin", "ViT-B-32"),
        ("ViT-L-14-336.pt", "ViT-L-14-336"),
        ("ViT-B-32/open_clip_pytorch_model.bin", "ViT-B-32"),
        ("ViT-B-320.pt", ""),
        ("model.pt", ""),
    ],
)
def test_the_architecture_is_in_the_name_of_the_file_or_its_folder(tmp_path, file, name):
    assert architecture_of(tmp_path / file, NAMES) == name


def test_weights_of_another_architecture_are_a_sentence(place):
    with pytest.raises(FileFormatError, match="do not fit"):
        load_clip(place / "clip" / "colours" / "model.safetensors", "ViT-S-32-alt", "cpu")
    with pytest.raises(UserError, match=r"Similar are: ViT-B-32"):
        load_clip(place / "clip" / "colours" / "model.safetensors", "ViT-B-3", "cpu")


def test_a_tokenizer_of_transformers_is_asked_for_and_not_fetched(place):
    file = place / "clip" / "colours" / "open_clip_config.json"
    config = json.loads(file.read_text("utf-8"))
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "somebody/tokenizer"
    file.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UserError, match="somebody/tokenizer"):
        load_clip(file.parent, device="cpu")


def test_python_objects_in_a_checkpoint_are_never_run(place):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("run",)

    folder = place / "clip" / "colours"
    (folder / "model.safetensors").unlink()
    torch.save({"state_dict": Trap()}, folder / "model.pt")
    with pytest.raises(FileFormatError, match="Python objects"):
        load_clip(folder, device="cpu")


def test_an_archive_of_torchscript_is_read_too(place):
    class Holder(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.register_buffer("input_resolution", torch.tensor(16))
            for name, value in network.items():
                holder, *path = self, *name.split(".")
                for part in path[:-1]:
                    if not hasattr(holder, part):
                        holder.add_module(part, torch.nn.Module())
                    holder = getattr(holder, part)
                holder.register_buffer(path[-1], value)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    from safetensors.torch import load_file

    folder = place / "clip" / "colours"
    torch.jit.script(Holder(load_file(str(folder / "model.safetensors")))).save(str(folder / "model.pt"))
    (folder / "model.safetensors").unlink()
    assert is_torchscript(folder / "model.pt")
    assert [text_of(answer) for answer in tags(Settings(place))] == ["red", "green", "blue"]


def test_open_clip_comes_up_without_a_torchvision_for_this_torch():
    packages.open_clip()
    held = [name for name in sys.modules if name.partition(".")[0] == "torchvision"]
    assert all(sys.modules[name] is None or hasattr(sys.modules[name], "__file__") for name in held)
