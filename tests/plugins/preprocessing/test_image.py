"""Pictures of every mode become the array that is expected, here and in exported scripts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from plugins.preprocessing.image import ImagePreprocessing
from workbench.errors import UserError
from workbench.plugin_api.pictures import decode, read_picture, resized, with_channels
from workbench.plugin_api.samples import ArraySamples

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (13, 17, 3), np.uint8)
GREY = RNG.integers(0, 256, (13, 17), np.uint8)
DEEP = RNG.integers(0, 65536, (13, 17), np.uint16)


def _samples(images):
    return ArraySamples(np.asarray(images), np.zeros(len(images), np.uint8))


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("rgb.png", Image.fromarray(COLOUR), COLOUR),
        ("rgb.bmp", Image.fromarray(COLOUR), COLOUR),
        ("rgb.tiff", Image.fromarray(COLOUR), COLOUR),
        ("grey.png", Image.fromarray(GREY), GREY[..., None]),
        ("grey.gif", Image.fromarray(GREY), GREY[..., None].repeat(3, axis=-1)),
        ("deep.png", Image.fromarray(DEEP), DEEP[..., None]),
        ("deep.tiff", Image.fromarray(DEEP), DEEP[..., None]),
        ("bits.png", Image.fromarray(GREY > 127), np.where(GREY > 127, 255, 0)[..., None]),
        ("unit.tiff", Image.fromarray(DEEP / np.float32(65535)), DEEP[..., None]),
        ("whole.tiff", Image.fromarray(DEEP.astype(np.int32)), DEEP[..., None]),
        ("exact.webp", Image.fromarray(COLOUR), COLOUR),
    ],
)
def test_pixels_survive_decoding(tmp_path, name, image, expected):
    image.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))

    array = decode(str(tmp_path / name))

    assert array.dtype == (np.uint16 if expected.dtype == np.uint16 else np.uint8)
    np.testing.assert_array_equal(array, expected)


def test_palette_becomes_its_colours(tmp_path):
    image = Image.fromarray(COLOUR).quantize(16)
    image.save(tmp_path / "palette.png")

    np.testing.assert_array_equal(
        decode(str(tmp_path / "palette.png")), np.asarray(image.convert("RGB"))
    )


def test_transparent_becomes_white(tmp_path):
    rgba = np.dstack([COLOUR, np.where(GREY > 127, 255, 0).astype(np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    Image.fromarray(rgba[..., [0, 3]]).save(tmp_path / "la.png")

    coloured, grey = decode(str(tmp_path / "rgba.png")), decode(str(tmp_path / "la.png"))

    hidden = GREY <= 127
    assert (coloured[hidden] == 255).all()
    np.testing.assert_array_equal(coloured[~hidden], COLOUR[~hidden])
    assert grey.shape == (13, 17, 1)
    assert (grey[hidden] == 255).all()
    np.testing.assert_array_equal(grey[~hidden, 0], COLOUR[~hidden, 0])


def test_transparent_palette_entry_becomes_white(tmp_path):
    image = Image.fromarray(GREY // 128).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "holes.png", transparency=1)

    array = decode(str(tmp_path / "holes.png"))

    assert (array[GREY >= 128] == 255).all()
    assert (array[GREY < 128] == [10, 20, 30]).all()


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (9, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")

    array = decode(str(tmp_path / "cmyk.jpg"))

    assert array.shape == (8, 9, 3)
    assert np.abs(array.astype(int) - [255, 0, 0]).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_marks_are_obeyed(tmp_path, orientation):
    # What a camera stores so that a viewer shows COLOUR (EXIF 2.3, tag 0x0112).
    stored = {
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2),
        6: np.rot90(COLOUR, 1),
        7: COLOUR[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(COLOUR, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "photo.png", exif=exif)

    np.testing.assert_array_equal(decode(str(tmp_path / "photo.png")), COLOUR)


def test_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (6, 5), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])

    assert (decode(str(tmp_path / "film.gif")) == [255, 0, 0]).all()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "odd.png").write_bytes(content)

    with pytest.raises(UserError, match=r"odd\.png cannot be used: it is not a picture"):
        read_picture(str(tmp_path / "odd.png"))


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.tiff", "photo.webp"])
def test_cut_off_files_are_refused(tmp_path, name):
    Image.fromarray(RNG.integers(0, 256, (90, 90, 3), np.uint8)).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])

    with pytest.raises(UserError, match=r"cannot be used: it is (truncated|damaged)"):
        read_picture(str(tmp_path / name))


def test_numbers_that_fit_no_scale_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), -7.5, np.float32)).save(tmp_path / "negative.tiff")

    with pytest.raises(UserError, match="numbers outside 0…65535"):
        read_picture(str(tmp_path / "negative.tiff"))


def test_a_missing_file_is_named():
    with pytest.raises(UserError, match=r"gone\.png cannot be used: there is no such file"):
        read_picture("gone.png")


def test_grey_and_colour():
    grey = with_channels(COLOUR, 1)
    expected = np.asarray(Image.fromarray(COLOUR).convert("L"))

    assert np.abs(grey[..., 0].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(with_channels(grey, 3)[..., 2], grey[..., 0])
    white = np.full((2, 2, 3), 65535, np.uint16)
    assert (with_channels(white, 1) == 65535).all()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "area"])
def test_stretching_is_pillows(interpolation):
    name = {"area": "BOX"}.get(interpolation, interpolation.upper())
    expected = np.asarray(Image.fromarray(COLOUR).resize((8, 9), Image.Resampling[name]))

    np.testing.assert_array_equal(resized(COLOUR, 9, 8, "stretch", interpolation), expected)


def test_crop_keeps_the_centre_and_pad_keeps_everything():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200

    assert (resized(wide, 10, 10, "crop", "nearest") == 200).all()
    padded = resized(wide, 30, 30, "pad", "nearest")
    np.testing.assert_array_equal(padded[10:20], wide)
    assert not padded[:10].any()
    assert not padded[20:].any()
    tall = wide.transpose(1, 0, 2)
    assert (resized(np.ascontiguousarray(tall), 5, 5, "crop", "area") == 200).all()


def test_deep_pictures_keep_their_depth():
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[None, :, None].repeat(64, axis=0)

    small = resized(ramp, 32, 32, "stretch", "bilinear")

    assert small.dtype == np.uint16
    assert len(np.unique(small)) == 32
    scaled = ImagePreprocessing().scale(small, {})
    assert 0 <= scaled.min() < scaled.max() <= 1


def test_native_size_needs_equal_sizes():
    class Mixed(ArraySamples):
        shapes = np.array([(8, 8, 3), (20, 10, 3)])

    mixed = Mixed(np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2, np.uint8))

    with pytest.raises(UserError, match="from 8 × 8 to 20 × 10") as caught:
        ImagePreprocessing().output(mixed)
    assert "height and a width" in caught.value.hint
    assert ImagePreprocessing(height=4, width=5).output(mixed).shape == (4, 5, 3)
    assert ImagePreprocessing(height=4, width=5, channels="grayscale").output(mixed).shape[2] == 1


def test_standardising_gives_zero_mean_and_unit_deviation():
    images = RNG.normal(90, 20, (40, 6, 6, 3)).clip(0, 255).astype(np.uint8)
    images[..., 2] = 7  # a channel without any deviation stays finite
    preprocessing = ImagePreprocessing(scaling="standardise")

    fitted = preprocessing.fit(_samples(images))
    scaled = preprocessing.scale(images, fitted)

    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=(0, 1, 2)), [1, 1, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [
        ("zero_one", [0, 0, 0], [1, 1, 1]),
        ("minus_one_one", [-1, -1, -1], [1, 1, 1]),
        ("none", [0, 0, 0], [255, 255, 255]),
        ("imagenet", [-2.1179, -2.0357, -1.8044], [2.2489, 2.4286, 2.64]),
    ],
)
def test_scales(scaling, low, high):
    preprocessing = ImagePreprocessing(scaling=scaling)
    ends = np.array([[[[0] * 3]], [[[255] * 3]]], np.uint8)

    scaled = preprocessing.scale(ends, {})

    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[:, 0, 0], [low, high], atol=1e-4)


def test_predicting_takes_any_file(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "photo.png")
    preprocessing = ImagePreprocessing()
    fitted = preprocessing.fit(_samples(np.zeros((3, 8, 8), np.uint8)))

    settled = preprocessing.resolved(fitted)

    assert settled.shape(settled.read_file(str(tmp_path / "photo.png"))).shape == (8, 8, 1)


def _odd_files(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    big = RNG.integers(0, 256, (61, 47, 3), np.uint8)
    Image.fromarray(big).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(np.dstack([COLOUR, GREY])).save(folder / "rgba.png")
    Image.fromarray(DEEP).save(folder / "deep.png")
    Image.fromarray(COLOUR).quantize(8).save(folder / "palette.gif")
    Image.fromarray(GREY > 99).save(folder / "bits.tiff")
    Image.fromarray(big).convert("CMYK").save(folder / "cmyk.jpg")
    return sorted(str(path) for path in folder.iterdir())


@pytest.mark.parametrize(
    "settings",
    [
        {"height": 20, "width": 24, "scaling": "imagenet", "channels": "rgb"},
        {"height": 20, "width": 9, "resize": "crop", "scaling": "standardise"},
        {
            "height": 30,
            "width": 30,
            "resize": "pad",
            "channels": "grayscale",
            "scaling": "minus_one_one",
            "interpolation": "lanczos",
        },
        {"height": 7, "width": 7, "scaling": "none", "interpolation": "area"},
    ],
)
def test_exported_source_gives_the_same_numbers(tmp_path, settings):
    (tmp_path / "pictures").mkdir()
    files = _odd_files(tmp_path / "pictures")
    preprocessing = ImagePreprocessing(**settings)
    fitted = preprocessing.fit(_samples(RNG.integers(0, 256, (9, 13, 17, 3), np.uint8)))
    script = tmp_path / "script.py"
    script.write_text(
        preprocessing.python_source(fitted)
        + f"\n\nnp.save('out.npy', np.stack([load(path) for path in {files!r}]))\n",
        encoding="utf-8",
    )

    subprocess.run([sys.executable, "-I", str(script)], cwd=tmp_path, check=True)

    settled = preprocessing.resolved(fitted)
    expected = np.stack(
        [settled.scale(settled.shape(settled.read_file(path)), fitted) for path in files]
    )
    assert "workbench" not in script.read_text(encoding="utf-8")
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=0, atol=1e-6)
