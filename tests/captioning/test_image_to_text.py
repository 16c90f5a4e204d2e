import inspect
import json

import pytest
import torch
from PIL import Image

from lora_trainer import packages
from lora_trainer.captioning import Settings
from lora_trainer.captioning.image_to_text import ImageToText
from lora_trainer.errors import FileFormatError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "red", "photo", "of"]
WORDS += [f"zorb{number}" for number in range(60)]  # so many that random weights hardly ever say nothing but signs
PICTURES = [Image.new("RGB", (40, 24), colour) for colour in ((200, 0, 0), (0, 0, 200))]
VISION = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def blip(tmp_path):
    """A BLIP of random weights in its folder; gives the folder of captioning."""
    packages.mend_imports()
    from transformers import (
        BertTokenizerFast,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    text = VISION | {"vocab_size": len(WORDS), "encoder_hidden_size": 16, "max_position_embeddings": 32}
    text |= {"bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3, "pad_token_id": 0, "projection_dim": 8}
    vision = VISION | {"image_size": 32, "patch_size": 16, "projection_dim": 8}
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=8))
    folder = tmp_path / "transformers" / "blip"
    model.save_pretrained(folder, safe_serialization=True)
    words = tokenizer(folder, BertTokenizerFast)
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), words).save_pretrained(folder)
    return tmp_path


@pytest.fixture
def pair(tmp_path):
    """A ViT and a GPT-2 of random weights as one model, with a preprocessing and a tokenizer of their own."""
    packages.mend_imports()
    from transformers import (
        BertTokenizerFast,
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessor,
    )

    vision = ViTConfig(**VISION, image_size=32, patch_size=16)
    text = GPT2Config(vocab_size=len(WORDS), n_positions=96, n_embd=16, n_layer=1, n_head=2, add_cross_attention=True)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(vision, text)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 0, 3
    torch.manual_seed(0)
    model = VisionEncoderDecoderModel(config=config)
    model.generation_config.decoder_start_token_id, model.generation_config.pad_token_id = 2, 0
    folder = tmp_path / "transformers" / "pair"
    model.save_pretrained(folder, safe_serialization=True)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer(folder, BertTokenizerFast).save_pretrained(folder)
    return tmp_path


def tokenizer(folder, kind):
    """A BERT tokenizer of a few words; newer versions of transformers take them as they are, older ones in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    if "vocab" in inspect.signature(kind.__init__).parameters:
        return kind(vocab={word: number for number, word in enumerate(WORDS)})
    return kind(vocab_file=str(folder / "vocab.txt"))


def captions(settings):
    captioner = ImageToText(settings)
    assert captioner.missing() is None
    captioner.load()
    try:
        return captioner.caption(PICTURES)
    finally:
        captioner.close()


def test_a_model_of_a_local_folder_writes_a_text_for_every_picture_and_the_same_one_again(blip):
    texts = captions(Settings(blip, device="cpu"))
    assert len(texts) == 2 and all(texts)
    assert set(" ".join(texts).split()) <= set(WORDS)
    assert captions(Settings(blip, device="cpu")) == texts
    assert ImageToText(Settings(blip)).models() == ["blip"]


def test_it_goes_on_from_the_beginning_that_it_is_given(blip):
    texts = captions(Settings(blip, prompt="a photo of", device="cpu"))
    assert [text[:10] for text in texts] == ["a photo of"] * 2


def test_a_pair_of_models_brings_a_preprocessing_and_a_tokenizer_of_its_own(pair):
    texts = captions(Settings(pair, device="cpu"))
    assert len(texts) == 2 and all(texts)
    assert set(" ".join(texts).split()) <= set(WORDS)


def test_code_that_comes_with_a_model_is_not_run(blip):
    file = blip / "transformers" / "blip" / "config.json"
    foreign = {"architectures": ["ZorbForCaptions"], "auto_map": {"AutoModel": "modeling_zorb.Zorb"}}
    config = json.loads(file.read_text("utf-8")) | foreign
    file.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(FileFormatError, match="ZorbForCaptions"):
        ImageToText(Settings(blip)).load()


def test_pickles_with_more_than_weights_are_refused(blip):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("run",)

    folder = blip / "transformers" / "blip"
    for file in folder.glob("*.safetensors"):
        file.unlink()
    torch.save({"weight": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(FileFormatError, match="Python objects"):
        ImageToText(Settings(blip)).load()


def test_a_folder_that_lacks_something_is_a_sentence(blip):
    folder = blip / "transformers" / "blip"
    for file in folder.glob("*.safetensors"):
        file.unlink()
    with pytest.raises(FileFormatError, match="cannot be loaded"):
        ImageToText(Settings(blip)).load()


def test_without_a_model_it_says_where_to_put_one(tmp_path):
    assert str(tmp_path / "transformers") in ImageToText(Settings(tmp_path)).missing()
    assert ImageToText(Settings(tmp_path, model="nowhere")).missing().code == "transformers_model_unfit"
