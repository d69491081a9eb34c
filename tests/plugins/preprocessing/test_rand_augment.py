from __future__ import annotations

import numpy as np
import pytest

from plugins.preprocessing.rand_augment import OPERATIONS, STRONGEST, RandAugment
from workbench.document.experiment import Split
from workbench.plugin_api.samples import open_sample

NAMES = {name: "".join(part.capitalize() for part in name.split("_")) for name in OPERATIONS}
NAMES["autocontrast"] = "AutoContrast"


@pytest.fixture
def picture():
    return np.random.default_rng(3).integers(0, 256, (24, 18, 3), np.uint8)


@pytest.mark.parametrize("magnitude", [0, 9, 30])
def test_each_operation_is_torchvisions(picture, magnitude):
    import torch
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2 import RandAugment as Theirs

    given = torch.from_numpy(picture.transpose(2, 0, 1).copy())
    theirs = Theirs()
    for name in OPERATIONS:
        make, signed = theirs._AUGMENTATION_SPACE[NAMES[name]]
        steps = make(STRONGEST + 1, 24, 18)
        amount = 0.0 if steps is None else float(steps[magnitude])
        for sign in (1, -1):
            wanted = theirs._apply_image_or_video_transform(
                given,
                NAMES[name],
                amount * (sign if signed else 1),
                InterpolationMode.BILINEAR,
                {torch.Tensor: [0.0] * 3},
            )
            found = RandAugment(magnitude=magnitude)._changed(given, name, sign)
            gap = (found.int() - wanted.int()).abs().max()
            assert gap <= 1, (name, sign, gap)


def test_the_seed_alone_decides(picture):
    ours = RandAugment(operations=3)
    same = [ours.apply(picture, (1, 2, 3)) for _ in range(2)]
    assert (same[0] == same[1]).all()
    others = ours.apply_batch(np.stack([picture] * 8), [(1, 2, n) for n in range(8)])
    assert len({other.tobytes() for other in others}) > 4


def test_grey_pictures_and_those_of_16_bits_keep_their_form():
    digits = open_sample("digits", Split()).splits["train"]
    grey = digits.read(0)
    for shaped in (grey, grey.astype(np.uint16) * 257):
        for number in range(20):
            found = RandAugment(operations=4, magnitude=20).apply(shaped, (0, 0, number))
            assert (found.shape, found.dtype) == (shaped.shape, shaped.dtype)
            assert found.flags.c_contiguous
