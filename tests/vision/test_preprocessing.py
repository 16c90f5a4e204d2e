import numpy as np
import pytest
from PIL import Image

from lora_trainer.vision.preprocessing import Preprocessing


def halves(size, left=(255, 0, 0), right=(0, 0, 255)):
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def seen(picture, **values):
    """What the model sees, back as bytes (height, width, 3)."""
    plain = Preprocessing((8, 8), mean=(0.0,) * 3, std=(1.0,) * 3, **values)
    return (plain([picture])[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)


def test_the_shorter_side_fits_and_the_rest_is_cut_away_on_both_sides():
    picture = Image.new("RGB", (32, 8), (0, 255, 0))
    picture.paste((255, 0, 0), (0, 0, 12, 8))
    picture.paste((0, 0, 255), (20, 0, 32, 8))
    assert (seen(picture) == (0, 255, 0)).all()


def test_squashed_and_fitted_in_the_whole_picture_is_seen():
    squashed = seen(halves((64, 8)), resize_mode="squash")
    assert tuple(squashed[4, 0]) == (255, 0, 0) and tuple(squashed[4, 7]) == (0, 0, 255)
    fitted = seen(halves((64, 32)), resize_mode="longest", fill=9)
    assert (fitted[:2] == 9).all() and (fitted[6:] == 9).all() and tuple(fitted[3, 0]) == (255, 0, 0)


def test_colours_are_brought_to_the_model_s_mean_and_deviation():
    made = Preprocessing((4, 4), mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    values = made([Image.new("RGB", (9, 5), (255, 0, 255))] * 2)
    assert values.shape == (2, 3, 4, 4) and values.dtype == np.float32
    np.testing.assert_allclose(values[1, :, 2, 2], [1.0, -1.0, 0.5], rtol=1e-6)


@pytest.mark.parametrize("size", [(47, 31), (31, 47), (640, 480), (333, 500), (16, 16), (5, 90)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
def test_it_sees_what_open_clip_s_own_transform_sees(size, mode):
    pytest.importorskip("torchvision", exc_type=(ImportError, RuntimeError), reason="no torchvision for this torch")
    from open_clip.transform import image_transform

    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    try:
        theirs = image_transform(24, is_train=False, resize_mode=mode)
    except TypeError:
        if mode != "shortest":
            pytest.skip("an open_clip without this mode")
        theirs = image_transform(24, is_train=False)
    ours = Preprocessing((24, 24), resize_mode=mode)
    np.testing.assert_allclose(ours([picture])[0], theirs(picture).numpy(), atol=1e-5)
