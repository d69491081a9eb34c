"""Picture files to arrays of one size: plain functions that exported scripts carry along.

They use numpy and Pillow only, and no name that is not defined here, so that their source can be
copied into a script and gives the same numbers there.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, UnidentifiedImageError

from workbench.errors import UserError


def decode(path: str) -> np.ndarray:
    """Read a picture file as height × width × channels: uint8, or uint16 for 16-bit grey ones.

    The first frame counts. Cameras' rotation marks are obeyed; what is transparent becomes white;
    palettes and CMYK become RGB; black-and-white becomes grey.
    """
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    with Image.open(path) as image:
        image.load()
        try:
            orientation = image.getexif().get(0x0112, 1)
        except Exception:  # a broken EXIF block does not make the picture unreadable
            orientation = 1
        upright = image.transpose(turns[orientation]) if orientation in turns else image
        if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
            return sixteen_bit(np.asarray(upright))
        grey = upright.mode in ("1", "L", "LA", "La")
        if upright.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
            upright.info = dict(image.info)
            visible = upright.convert("LA" if upright.mode == "La" else "RGBA").convert("RGBA")
            upright = Image.new("RGBA", visible.size, "white")
            upright.alpha_composite(visible)
            upright = upright.convert("RGB")
        array = np.array(upright.convert("L" if grey else "RGB"))
    return array[..., np.newaxis] if array.ndim == 2 else array


def sixteen_bit(values: np.ndarray) -> np.ndarray:
    """Take a grey picture of wide numbers as height × width × 1, uint16; fractions as 0…1."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        values = np.rint(values * 65535.0)
    elif not (low >= 0 and high <= 65535):
        raise ValueError("it holds numbers outside 0…65535")
    return values.astype(np.uint16)[..., np.newaxis]


def with_channels(picture: np.ndarray, channels: int) -> np.ndarray:
    """Make a picture grey (1, by ITU-R BT.601 luma) or coloured (3)."""
    if picture.shape[-1] == channels:
        return picture
    if picture.shape[-1] == 1:
        return np.repeat(picture, channels, axis=-1)
    red, green, blue = np.split(picture[..., :3].astype(np.uint32), 3, axis=-1)
    luma = (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16
    return luma.astype(picture.dtype)


def resized(
    picture: np.ndarray,
    height: int,
    width: int,
    mode: str,
    interpolation: str,
    *,
    share: float = 1.0,
) -> np.ndarray:
    """Bring a picture to a size, with antialiasing.

    Args:
        mode: "stretch" ignores the proportions, "crop" cuts off what sticks out of the centre,
            "pad" adds black borders.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos" or "area".
        share: of the sides that "crop" keeps; less than 1 looks closer at the middle.
    """
    old_height, old_width, channels = picture.shape
    is_whole = mode != "crop" or share == 1
    if (old_height, old_width) == (height, width) and is_whole:
        return picture
    box = (0.0, 0.0, float(old_width), float(old_height))
    new_height, new_width = height, width
    if mode == "crop":
        scale = min(old_width / width, old_height / height) * share
        left, top = (old_width - width * scale) / 2, (old_height - height * scale) / 2
        box = (left, top, left + width * scale, top + height * scale)
    elif mode == "pad":
        scale = max(old_width / width, old_height / height)
        new_height = max(1, min(height, round(old_height / scale)))
        new_width = max(1, min(width, round(old_width / scale)))
    name = {"area": "BOX"}.get(interpolation, interpolation.upper())
    result = np.zeros((height, width, channels), picture.dtype)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    for channel in range(channels):
        plane = picture[..., channel]
        wide = plane.dtype != np.uint8
        image = Image.fromarray(plane.astype(np.float32) if wide else plane)
        image = image.resize((new_width, new_height), Image.Resampling[name], box)
        new = np.asarray(image)
        new = np.clip(np.rint(new), 0, 65535) if wide else new
        result[top : top + new_height, left : left + new_width, channel] = new
    return result


def scaled(picture: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Map 0…255 (or 0…65535) to 0…1, then take off `mean` and divide by `std`, per channel."""
    values = picture.astype(np.float32)
    values /= np.float32(np.iinfo(picture.dtype).max)
    values -= mean
    values /= std
    return values


def read_picture(path: str) -> np.ndarray:
    """Read a picture file as `decode` does.

    Raises:
        UserError: the file cannot be read, with the reason.
    """
    try:
        return decode(path)
    except Exception as error:
        raise UserError(
            f"{path} cannot be used: {reason(error)}.", "Choose another file, or save it anew."
        ) from error


def reason(error: Exception) -> str:
    """Say in a few words why a picture file could not be opened or decoded.

    Decoders fail on damaged files with all sorts of exceptions, so any kind is taken.
    """
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case PermissionError():
            return "there is no right to read it"
        case IsADirectoryError():
            return "it is a folder"
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            return "it has too many pixels"
        case UnidentifiedImageError():
            return "it is not a picture, or of an unknown format"
        case MemoryError():
            return "there is not enough memory for it"
    text = str(error).strip().rstrip(".")
    if "truncated" in text:
        return "it is truncated"
    return f"it is damaged ({text})" if text else "it is damaged"
