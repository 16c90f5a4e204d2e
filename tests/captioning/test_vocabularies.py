import pytest

from lora_trainer.captioning.vocabularies import (
    SHIPPED,
    change_vocabulary,
    forget_vocabulary,
    load_vocabularies,
    read_vocabulary,
    vocabulary_values,
)
from lora_trainer.errors import FileFormatError


def test_the_shipped_ones_can_all_be_read():
    names = [vocabulary.name for vocabulary in load_vocabularies()]
    assert {"subject", "medium", "style", "colours", "setting"} <= set(names)
    assert "mood" not in names  # most is 0 in it
    assert names[0] == "subject"


def test_they_come_in_their_order_and_without_one_behind_those_that_are_shipped(tmp_path):
    (tmp_path / "first.yaml").write_text("order: 0\ntags: [a]\n", encoding="utf-8")
    (tmp_path / "a-last.txt").write_text("b", encoding="utf-8")
    names = [vocabulary.name for vocabulary in load_vocabularies(tmp_path)]
    assert (names[0], names[1], names[-1]) == ("first", "subject", "a-last")


def test_the_user_s_own_takes_the_place_of_the_shipped_one_and_others_are_added(tmp_path):
    (tmp_path / "style.yaml").write_text("most: 3\nthreshold: 0.1\ntags: [zorbism, zorbism]\n", encoding="utf-8")
    (tmp_path / "pets.txt").write_text("# mine\na cat\n\n a  dog \n", encoding="utf-8")
    (tmp_path / "light.yaml").write_text("tags: []\n", encoding="utf-8")
    found = {vocabulary.name: vocabulary for vocabulary in load_vocabularies(tmp_path)}
    assert (found["style"].tags, found["style"].most) == (("zorbism",), 3)
    assert found["pets"].tags == ("a cat", "a dog")
    assert "light" not in found and "subject" in found


def test_every_tag_is_asked_in_every_template_and_what_means_nothing_as_it_is(tmp_path):
    file = tmp_path / "pets.yaml"
    file.write_text("tags: [cat]\ntemplates: ['a {}', '{} {}']\nnothing: [air]\n", encoding="utf-8")
    assert read_vocabulary(file).prompts() == [["a cat", "cat cat"], ["air"]]


@pytest.mark.parametrize(
    "text", ["most: many\ntags: [a]", "threshold: 7\ntags: [a]", "tgas: [a]", "tags: [", "just words"]
)
def test_a_file_that_is_none_is_named_with_the_reason(tmp_path, text):
    (tmp_path / "pets.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"pets\.yaml"):
        load_vocabularies(tmp_path)


def test_words_are_changed_in_the_user_s_own_file_and_the_shipped_one_stays(tmp_path):
    before = (SHIPPED / "subject.yaml").read_bytes()
    file = change_vocabulary(tmp_path, "subject", {"tags": ["a zorb", " a  cat ", "a zorb", "yes"]})
    shipped, own = read_vocabulary(SHIPPED / "subject.yaml"), read_vocabulary(file)
    assert own.tags == ("a zorb", "a cat", "yes") and own.templates == shipped.templates
    assert (own.order, own.most, own.threshold) == (shipped.order, shipped.most, shipped.threshold)
    assert (SHIPPED / "subject.yaml").read_bytes() == before
    forget_vocabulary(tmp_path, "subject")
    assert load_vocabularies(tmp_path) == load_vocabularies()


def test_a_vocabulary_that_is_turned_off_keeps_its_words(tmp_path):
    file = change_vocabulary(tmp_path, "pets", {"tags": ["cat"], "most": 2})
    change_vocabulary(tmp_path, "pets", {"most": 0})
    assert vocabulary_values(file) == {"tags": ["cat"], "most": 0}
    assert "pets" not in [vocabulary.name for vocabulary in load_vocabularies(tmp_path)]


@pytest.mark.parametrize("ending", ["txt", "yml"])
def test_a_file_of_another_ending_gives_way_to_what_was_changed_in_it(tmp_path, ending):
    (tmp_path / f"pets.{ending}").write_text("tags: [cat]" if ending == "yml" else "# mine\ncat\n", encoding="utf-8")
    change_vocabulary(tmp_path, "pets", {"threshold": 0.5})
    (only,) = tmp_path.iterdir()
    assert read_vocabulary(only).tags == ("cat",) and read_vocabulary(only).threshold == 0.5
