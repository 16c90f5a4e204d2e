import subprocess
import sys

import pytest

from lora_trainer.errors import UserError
from lora_trainer.text import clean, vocabulary
from lora_trainer.text.clean import mend
from lora_trainer.text.tokenizer import OPEN_CLIP, TRANSFORMERS, load_tokenizer, split_words
from lora_trainer.text.tokenizer_files import write_tokenizer_files
from lora_trainer.text.vocabulary import vocabulary_file

CAPTIONS = [
    "a photo of a cat",
    "1girl, solo, (masterpiece:1.2), \\(medium\\), 8k",
    "it's John's CAT, isn't it? they'll see",
    "  many   spaces\n\tand tabs ",
    "hello!!!??? --- ... ^_^ :) <3",
    "日本語のテキスト 中文 한국어 हिन्दी",
    "café naïve Ünïcödé",
    "12345 3.14 ½ 2024",
    "😀 emoji",
    "sks_dog xyzzyplugh antidisestablishmentarianism",
    "",
]


def test_tokens_are_those_of_transformers_from_the_written_files(tmp_path):
    transformers = pytest.importorskip("transformers")
    write_tokenizer_files(tmp_path)
    theirs = transformers.CLIPTokenizer.from_pretrained(str(tmp_path))
    ours = load_tokenizer(TRANSFORMERS)
    for caption in CAPTIONS:
        assert ours.encode(caption) == theirs(caption, add_special_tokens=False)["input_ids"], caption


def test_written_files_give_transformers_the_special_tokens_and_77_places(tmp_path):
    transformers = pytest.importorskip("transformers")
    write_tokenizer_files(tmp_path / "new folder")
    theirs = transformers.CLIPTokenizer.from_pretrained(str(tmp_path / "new folder"))
    padded = theirs("a cat", padding="max_length", truncation=True)["input_ids"]
    assert padded == [49406, 320, 2368, *[49407] * 74]


def test_known_captions_have_openai_clips_numbers():
    assert load_tokenizer(TRANSFORMERS).encode("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert load_tokenizer(TRANSFORMERS).encode("ABC, 42!") == [5334, 267, 275, 273, 256]


def test_typographic_text_is_mended_before_it_is_encoded():
    tokenizer = load_tokenizer(TRANSFORMERS)
    assert tokenizer.encode("“don’t” ﬁne ｆｕｌｌ") == tokenizer.encode('"don\'t" fine full')


def test_the_flavours_differ_in_entities_and_in_the_spelling_of_special_tokens():
    transformers, open_clip = load_tokenizer(TRANSFORMERS), load_tokenizer(OPEN_CLIP)
    assert open_clip.encode("<b> &amp; c") == open_clip.encode("<b> & c")
    assert transformers.encode("<b> &amp; c") != transformers.encode("<b> & c")
    assert transformers.encode("<|endoftext|>") == [49407] == open_clip.encode("<end_of_text>")
    assert len(open_clip.encode("<|endoftext|>")) > 1


def test_words_are_letter_runs_single_digits_contractions_and_other_runs():
    assert list(split_words("it's a7b 12 --x!'")) == ["it", "'s", "a", "7", "b", "1", "2", "--", "x", "!'"]


def test_without_ftfy_common_text_is_mended_alike(monkeypatch):
    ftfy = pytest.importorskip("ftfy")
    for text in [
        *CAPTIONS,
        "“a” ‘b’",
        "ﬁ ﬂ",
        "ｆｕｌｌ　ｗｉｄｔｈ！",
        "a\x07b\ufeff",
        "e\u0301",
        "a &amp; b",
        "<a &amp; b>",
    ]:
        assert mend(text) == ftfy.fix_text(text), text


def test_a_missing_vocabulary_is_a_sentence_that_names_the_package(monkeypatch):
    monkeypatch.setattr(vocabulary, "PACKAGES", ("a_package_that_nobody_has",))
    with pytest.raises(UserError, match="open_clip_torch"):
        vocabulary_file()


def test_a_file_that_is_no_vocabulary_is_named(tmp_path):
    wrong = tmp_path / "merges.txt"
    wrong.write_text("#version: 0.2\na b\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"merges\.txt"):
        vocabulary.load_vocabulary(wrong)


def test_the_vocabulary_is_found_without_importing_open_clip():
    code = (
        "import sys; from lora_trainer.text.vocabulary import vocabulary_file; vocabulary_file(); "
        "sys.exit('open_clip' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cleaning_lowers_and_reduces_spaces():
    assert clean.clean("  A \n B ", unescape=False) == "a b"
