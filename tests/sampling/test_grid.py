import pytest
from PIL import Image

from lora_trainer.sampling import lettering
from lora_trainer.sampling.grid import EMPTY, MARK, PAPER, compose_grid

RED, BLUE = (200, 30, 30), (30, 30, 200)


def plain(colour, size=(64, 48)):
    return Image.new("RGB", size, colour)


@pytest.fixture(params=["fonts of the machine", "no fonts"])
def fonts(request, monkeypatch):
    lettering._font.cache_clear()
    if request.param == "no fonts":
        monkeypatch.setattr(lettering, "FONTS", ())
        monkeypatch.setattr(lettering, "WIDE_FONTS", ())
    yield
    lettering._font.cache_clear()


def colours(image, box):
    return {colour for _, colour in image.crop(box).getcolors(1 << 20)}


def patches(image, colour):
    """Left upper corners of the rectangles of `colour`."""
    found = []
    for y in range(image.height):
        for x in range(image.width):
            here = image.getpixel((x, y)) == colour
            if here and image.getpixel((x - 1, y)) != colour and image.getpixel((x, y - 1)) != colour:
                found.append((x, y))
    return found


def test_every_picture_stands_whole_in_its_row_and_column():
    sheet = compose_grid([[plain(RED), plain(BLUE)], [plain(BLUE), plain(RED)]])
    (first, last), blues = patches(sheet, RED), patches(sheet, BLUE)
    assert blues == [(last[0], first[1]), (first[0], last[1])]
    for (left, top), colour in [(first, RED), (last, RED), (blues[0], BLUE), (blues[1], BLUE)]:
        assert colours(sheet, (left, top, left + 64, top + 48)) == {colour}


def test_labels_are_written_beside_the_pictures_and_not_on_them(fonts):
    rows = [[plain(RED), plain(RED)], [plain(RED), plain(RED)]]
    bare, sheet = compose_grid(rows), compose_grid(rows, ["0", "0.5"], ["step 100", "step 200"])
    places = patches(sheet, RED)
    left, top = places[0]
    assert (left, top) > patches(bare, RED)[0]
    assert all(colours(sheet, (x, y, x + 64, y + 48)) == {RED} for x, y in places)
    above = [colours(sheet, (x, 0, x + 64, top)) for x, _ in places[:2]]
    beside = [colours(sheet, (0, y, left, y + 48)) for _, y in places[::2]]
    assert all(len(seen) > 1 for seen in above + beside)
    assert colours(sheet, (0, 0, left, top)) == {PAPER}


def test_notes_stand_under_the_pictures_and_a_frame_around_those_that_are_marked(fonts):
    rows = [[plain(RED), plain(RED)], [plain(RED), plain(RED)]]
    bare, sheet = compose_grid(rows), compose_grid(rows, notes=[["0.5", ""], ["", "like 0.81"]], marked=[(1, 0)])
    assert sheet.width == bare.width and sheet.height > bare.height
    places = patches(sheet, RED)
    assert all(colours(sheet, (x, y, x + 64, y + 48)) == {RED} for x, y in places)
    under = [colours(sheet, (x, y + 52, x + 64, y + 63)) != {PAPER} for x, y in places]
    assert under == [True, False, False, True]
    framed = [sheet.getpixel((x - 1, y)) == MARK for x, y in places]
    assert framed == [False, False, True, False]


def test_a_grid_without_notes_and_marks_is_as_it_ever_was():
    rows = [[plain(RED), plain(BLUE)]]
    assert compose_grid(rows, ["a"], ["b"]).tobytes() == compose_grid(rows, ["a"], ["b"], [], []).tobytes()


def test_a_missing_picture_is_an_empty_cell():
    sheet = compose_grid([[plain(RED), None], [None]])
    assert len(patches(sheet, EMPTY)) == 3


def test_smaller_pictures_stand_in_the_middle_of_their_cells():
    sheet = compose_grid([[plain(RED, (64, 64)), plain(BLUE, (32, 32))]])
    (red,), (blue,) = patches(sheet, RED), patches(sheet, BLUE)
    gap = patches(compose_grid([[plain(RED), plain(BLUE)]]), BLUE)[0][0] - red[0] - 64
    assert (blue[0] - red[0], blue[1] - red[1]) == (64 + gap + 16, 16)


def test_long_labels_are_broken_and_shortened(fonts):
    long = "a very long caption of a picture with many words and averyveryverylongwordthatfitsnowhere " * 5
    sheet = compose_grid([[plain(RED)]], [long], [long])
    assert sheet.width < 64 + 250
    ((left, top),) = patches(sheet, RED)
    assert colours(sheet, (left, top, left + 64, top + 48)) == {RED}


def test_any_language_can_be_written(fonts):
    sheet = compose_grid([[plain(RED)]], ["强度 0.8"], ["Kätzchen – кот\n猫"])
    assert patches(sheet, RED)


def test_words_are_broken_where_the_width_ends(fonts):
    letters = lettering.Lettering(16, [""])
    broken = letters.wrap("one two three", letters.width("one two"), 5).split("\n")
    assert broken == ["one two", "three"]
    assert letters.wrap("one two three four", letters.width("three..."), 2).endswith("...")
    assert all(letters.width(line) <= 60 for line in letters.wrap("x" * 50, 60, 99).split("\n"))


def test_other_modes_become_rgb():
    sheet = compose_grid([[Image.new("L", (64, 48), 128), Image.new("RGBA", (64, 48), (*RED, 255))]])
    assert sheet.mode == "RGB" and patches(sheet, RED)


def test_a_grid_without_pictures_or_with_too_many_labels_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        compose_grid([[None]])
    with pytest.raises(ValueError, match="1 columns and 1 rows"):
        compose_grid([[plain(RED)]], ["a", "b"])
