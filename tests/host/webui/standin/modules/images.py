"""Scaling pictures; enlarging is the work of an upscaler that may have to be fetched."""

from PIL import Image

from modules import modelloader


def resize_image(resize_mode, im, width, height, upscaler_name=None):
    assert resize_mode == 2
    if max(im.width / width, im.height / height) < 1:
        modelloader.fetched.append("an upscaler")
    factor = min(width / im.width, height / im.height)
    size = (max(1, int(im.width * factor)), max(1, int(im.height * factor)))
    sheet = im.resize((width, height))
    sheet.paste(im.resize(size, Image.Resampling.LANCZOS), ((width - size[0]) // 2, (height - size[1]) // 2))
    return sheet
