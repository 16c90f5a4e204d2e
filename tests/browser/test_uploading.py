"""Pictures on their way from a real browser: in parts, broken off, cancelled, scaled down; and data sets as a whole."""

import io
import random
import zipfile

import pytest
from PIL import Image

from .test_first_run import drop, wait_for_text

pytestmark = pytest.mark.acceptance


def noise(side, seed):
    """A picture that no packer makes smaller."""
    return Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(3 * side * side))


@pytest.fixture
def large(tmp_path):
    """A zip of 19 MB, which goes in three parts."""
    file = tmp_path / "many.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(6):
            buffer = io.BytesIO()
            noise(1024, number).save(buffer, "PNG", compress_level=0)
            archive.writestr(f"{number}.png", buffer.getvalue())
            archive.writestr(f"{number}.txt", f"noise {number}")
    return file


@pytest.fixture
def new_set(page):
    """Begins a data set of that name."""

    def begin(name):
        page.locator(".lt-pictures .lt-head button", has_text="New set").click()
        page.locator("dialog input").fill(name)
        page.locator("dialog .lt-primary").click()
        page.locator("dialog").wait_for(state="detached")

    return begin


def choose(page, *files):
    page.locator(".lt-drop input[type=file]").set_input_files([str(file) for file in files])


def stored(served, name):
    return served[1] / "data" / ".train-lora" / "datasets" / name


def test_a_large_zip_arrives_although_the_connection_breaks_twice(page, served, new_set, large):
    new_set("large")
    tries = []

    def flaky(route):
        tries.append(route.request.url)
        route.abort() if len(tries) in (2, 3) else route.continue_()

    page.route("**/uploads/*?offset=*", flaky)
    choose(page, large)
    wait_for_text(page, ".lt-uploading", "the connection broke off")
    wait_for_text(page, ".lt-pictures", "6 pictures, 6 with a caption")
    assert len(tries) == 5
    assert len(list(stored(served, "large").glob("*.png"))) == 6
    assert not list((stored(served, ".uploads")).iterdir())


def test_pictures_wait_for_the_data_set_that_has_just_been_begun(page, served, new_set, tmp_path):
    noise(80, 1).save(tmp_path / "1.png")
    held = []
    page.route("**/v1/datasets", lambda route: held.append(route))
    new_set("late")
    choose(page, tmp_path / "1.png")
    page.wait_for_timeout(500)
    held[0].continue_()
    wait_for_text(page, ".lt-pictures", "1 pictures, 0 with a caption")
    assert [file.name for file in stored(served, "late").glob("*.png")] == ["1.png"]


def test_an_upload_is_cancelled(page, served, new_set, large):
    new_set("cancelled")
    page.route("**/uploads/*?offset=8388608*", lambda route: None)
    choose(page, large)
    wait_for_text(page, ".lt-uploading", "8 MB of 19 MB")
    page.locator(".lt-uploading button").click()
    wait_for_text(page, ".lt-notices", "Cancelled: 0 of 1 files are there.")
    page.wait_for_function("!document.querySelector('#lora_trainer_page').shadowRoot.querySelector('.lt-busy')")
    page.wait_for_timeout(500)
    assert not list(stored(served, "cancelled").iterdir()) and not list(stored(served, ".uploads").iterdir())


def test_pictures_are_scaled_down_upright_and_with_their_transparency(page, served, new_set, tmp_path):
    turned = Image.new("RGB", (1200, 800), (200, 30, 20))
    turned.paste((10, 40, 220), (0, 0, 600, 800))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    clear = Image.new("RGBA", (1000, 1000), (20, 200, 30, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 500, 1000))
    clear.putpixel((999, 999), (1, 2, 3, 255))
    clear.save(tmp_path / "clear.png")
    noise(400, 1).save(tmp_path / "webp.webp", quality=90)
    noise(100, 1).save(tmp_path / "small.png")
    new_set("scaled")
    page.locator("#lt-scaling").check()
    wait_for_text(page, ".lt-scaling", "at least 96 pixels, 1.5 times the 64 of the training")
    drop(page, [tmp_path / name for name in ("turned.jpg", "clear.png", "webp.webp", "small.png")])
    wait_for_text(page, ".lt-notices", "pictures were scaled down")
    wait_for_text(page, ".lt-pictures", "4 pictures")
    folder = stored(served, "scaled")
    sizes = {file.name: Image.open(file).size for file in folder.glob("*.*")}
    assert sizes == {"turned.jpg": (96, 144), "clear.png": (96, 96), "webp.webp": (96, 96), "small.png": (100, 100)}
    jpeg = Image.open(folder / "turned.jpg")
    assert jpeg.getexif().get(0x0112, 1) == 1
    assert jpeg.getpixel((48, 10))[2] > 180 > 60 > jpeg.getpixel((48, 130))[2]
    alpha = Image.open(folder / "clear.png").getchannel("A")
    assert (alpha.getpixel((10, 50)), alpha.getpixel((86, 50))) == (0, 255)
    page.locator("#lt-scaling").uncheck()


def test_captions_and_masks_follow_pictures_that_get_another_name(page, served, new_set, tmp_path):
    new_set("renamed")
    for seed in (1, 2):
        noise(96, seed).save(tmp_path / "1.png")
        noise(96, 9).save(tmp_path / "1-mask.png")
        (tmp_path / "1.txt").write_text(f"number {seed}", encoding="utf-8")
        drop(page, [tmp_path / name for name in ("1.txt", "1-mask.png", "1.png")])
        wait_for_text(page, ".lt-pictures", f"{seed} pictures, {seed} with a caption")
    folder = stored(served, "renamed")
    assert sorted(file.name for file in folder.iterdir()) == [
        "1-2-mask.png",
        "1-2.png",
        "1-2.txt",
        "1-mask.png",
        "1.png",
        "1.txt",
    ]
    assert (folder / "1-2.txt").read_text(encoding="utf-8") == "number 2"


def test_a_data_set_is_renamed_copied_exported_and_removed_from_its_menu(page, served, new_set, tmp_path):
    new_set("menu")
    noise(96, 1).save(tmp_path / "1.png")
    drop(page, [tmp_path / "1.png"])
    page.wait_for_selector(".lt-card")

    def act(item, text="", confirm=".lt-primary"):
        page.locator(".lt-menu > summary").click()
        wait_for_text(page, ".lt-menu", "1 pictures, 28 kB")
        page.locator(".lt-menu .lt-item", has_text=item).click()
        if text:
            page.locator("dialog input").fill(text)
        if confirm:
            page.locator(f"dialog {confirm}").click()
            page.locator("dialog").wait_for(state="detached")

    act("Rename", "renamed menu")
    wait_for_text(page, ".lt-head", "renamed menu (1)")
    act("Copy", "a copy")
    wait_for_text(page, ".lt-notices", "The copy is called “a copy”.")
    with page.expect_download() as download:
        act("Export", confirm="")
    assert download.value.suggested_filename == "a copy.zip"
    assert zipfile.ZipFile(download.value.path()).namelist() == ["1.png"]
    act("Remove", confirm=".lt-danger")
    wait_for_text(page, ".lt-pictures", "Ten to thirty pictures")
    assert stored(served, "renamed menu").is_dir() and not stored(served, "a copy").exists()
