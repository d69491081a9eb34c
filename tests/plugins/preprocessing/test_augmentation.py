"""Augmentation does what torchvision defines, from its seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.preprocessing.augmentation import ImageAugmentation, _draw

RNG = np.random.default_rng(1)
NOTHING = {"rotation": 0, "translate": 0, "scale": 0}
EVERYTHING = {
    "horizontal_flip": True,
    "vertical_flip": True,
    "rotation": 30,
    "translate": 0.2,
    "scale": 0.3,
    "shear": 10,
    "crop_padding": 2,
    "brightness": 0.3,
    "contrast": 0.3,
    "saturation": 0.3,
    "hue": 0.2,
    "blur": 2,
    "erase": 0.5,
}


def _pictures(channels=3, dtype=np.uint8, count=6, height=20, width=26):
    top = np.iinfo(dtype).max
    return RNG.integers(0, top + 1, (count, height, width, channels), dtype)


def _smooth(count=6, height=24, width=32):
    y, x = np.mgrid[:height, :width]
    planes = [80 + 40 * np.sin(x / 5 + n) + 40 * np.cos(y / 4 - n) for n in range(count * 3)]
    return np.array(planes).reshape(count, 3, height, width).transpose(0, 2, 3, 1).astype(np.uint8)


def _seeds(count=6):
    return [(3, 2, index) for index in range(count)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_one_by_one_is_the_same_as_together(channels, dtype):
    augmentation = ImageAugmentation(**EVERYTHING)
    pictures = _pictures(channels, dtype)
    before = pictures.copy()

    together = augmentation.apply_batch(pictures, _seeds())
    alone = [augmentation.apply(*pair) for pair in zip(pictures, _seeds(), strict=True)]

    assert together.dtype == dtype
    assert together.shape == pictures.shape
    np.testing.assert_array_equal(pictures, before)
    # Sums may be rounded in another order, which shows in the last bit of a pixel at most.
    assert np.abs(together.astype(int) - np.array(alone)).max() <= (1 if dtype == np.uint8 else 2)


def test_the_seed_decides_and_torchs_generator_is_left_alone():
    import torch

    augmentation = ImageAugmentation(**EVERYTHING)
    picture = _pictures()[0]
    state = torch.get_rng_state()

    first = augmentation.apply(picture, (0, 1, 2))
    torch.rand(3)
    torch.set_rng_state(state)

    np.testing.assert_array_equal(first, augmentation.apply(picture, (0, 1, 2)))
    for other in ((1, 1, 2), (0, 2, 2), (0, 1, 3)):
        assert (augmentation.apply(picture, other) != first).any()
    assert torch.equal(state, torch.get_rng_state())


def test_nothing_set_changes_nothing():
    pictures = _pictures()

    unchanged = ImageAugmentation(**NOTHING).apply_batch(pictures, _seeds())

    np.testing.assert_array_equal(unchanged, pictures)


@pytest.mark.parametrize("setting", sorted(EVERYTHING))
def test_every_setting_does_something(setting):
    pictures = _pictures(count=16)
    augmentation = ImageAugmentation(**(NOTHING | {setting: EVERYTHING[setting]}))

    changed = augmentation.apply_batch(pictures, _seeds(16))

    assert (changed != pictures).any()


@pytest.mark.parametrize("border", ["black", "white"])
def test_geometry_is_torchvisions(border):
    import torch
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional

    augmentation = ImageAugmentation(rotation=40, translate=0.2, scale=0.3, shear=15, border=border)
    pictures = _smooth()
    draws = 2 * _draw(np.array(_seeds(), np.uint64))[:, 4:10] - 1

    moved = augmentation.apply_batch(pictures, _seeds())

    for picture, result, draw in zip(pictures, moved, draws, strict=True):
        expected = functional.affine(
            torch.from_numpy(picture).permute(2, 0, 1) / 255,
            angle=40 * draw[0],
            translate=[draw[1] * 0.2 * 32, draw[2] * 0.2 * 24],
            scale=1 + draw[3] * 0.3,
            shear=[15 * draw[4], 15 * draw[5]],
            interpolation=InterpolationMode.BILINEAR,
            fill=0.0 if border == "black" else 1.0,
        )
        difference = np.abs(result / 255 - expected.permute(1, 2, 0).numpy())
        inside = difference[(np.abs(difference) < 0.9).all(axis=-1)]
        assert inside.mean() < 0.02  # only the blend along the border differs
        assert np.median(difference) < 0.003


def test_colour_is_torchvisions():
    import torch
    from torchvision.transforms.v2 import functional

    pictures = _smooth()
    draws = 2 * _draw(np.array(_seeds(), np.uint64))[:, 10:14] - 1
    steps = {
        "brightness": (0, functional.adjust_brightness, 0.5),
        "contrast": (1, functional.adjust_contrast, 0.5),
        "saturation": (2, functional.adjust_saturation, 0.5),
        "hue": (3, functional.adjust_hue, 0.3),
    }
    for setting, (column, operation, amount) in steps.items():
        augmentation = ImageAugmentation(**(NOTHING | {setting: amount}))
        changed = augmentation.apply_batch(pictures, _seeds())
        for picture, result, draw in zip(pictures, changed, draws[:, column], strict=True):
            factor = draw * amount if setting == "hue" else 1 + draw * amount
            tensor = torch.from_numpy(picture).permute(2, 0, 1) / 255
            expected = operation(tensor, factor).permute(1, 2, 0).numpy()
            np.testing.assert_allclose(result / 255, expected, atol=0.51 / 255, err_msg=setting)


def test_mirrors_happen_for_half_of_the_pictures():
    pictures = _pictures(count=200, height=6, width=7)
    augmentation = ImageAugmentation(**(NOTHING | {"horizontal_flip": True}))

    changed = augmentation.apply_batch(pictures, _seeds(200))

    mirrored = (changed == pictures[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (changed == pictures).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 70 < mirrored.sum() < 130


def test_padded_crops_are_exact_shifts():
    pictures = _pictures(count=60, height=8, width=8)
    augmentation = ImageAugmentation(**(NOTHING | {"crop_padding": 2}))

    changed = augmentation.apply_batch(pictures, _seeds(60))

    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2), (0, 0)))
    places = set()
    for number, result in enumerate(changed):
        found = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if (padded[number, row : row + 8, column : column + 8] == result).all()
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) > 15


def test_erasing_takes_one_rectangle():
    pictures = np.full((50, 30, 40, 1), 200, np.uint8)
    augmentation = ImageAugmentation(**(NOTHING | {"erase": 1.0}))

    for result in augmentation.apply_batch(pictures, _seeds(50)):
        rows, columns = np.nonzero(result[..., 0] == 0)
        area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert area == len(rows)
        assert 0.015 < area / 1200 < 0.23


def test_tiny_pictures_survive():
    tiny = _pictures(height=1, width=2)

    assert ImageAugmentation(**EVERYTHING).apply_batch(tiny, _seeds()).shape == tiny.shape
    assert ImageAugmentation().apply_batch(tiny[:0], []).shape == (0, 1, 2, 3)


def test_draws_are_uniform_and_independent():
    draws = _draw(np.array([(0, 0, index) for index in range(4000)], np.uint64))

    assert abs(draws.mean() - 0.5) < 0.01
    assert abs(draws.std() - 12**-0.5) < 0.01
    assert np.abs(np.corrcoef(draws.T) - np.eye(draws.shape[1])).max() < 0.08
