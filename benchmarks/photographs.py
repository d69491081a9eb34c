"""Few pictures a class out of real photographs: those to learn from and those to be asked apart."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.packages import debian, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Box = tuple[int, int, int, int]
    """Left, top, right, bottom in pixels."""

PHOTOGRAPHS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
NATURE = {
    "birds": ("animals/birds",),
    "mammals": ("animals/mammals", "animals/marsupials"),
    "fruit": ("food/fruit", "food/vegetables", "food/nuts"),
    "plants": ("plants",),
}
"""Folders of tuxpaint-stamps-default with some 35 photographs or more of each; the other folders
have fewer, or drawings."""
DRAWN = ("cartoon", "toys", "plastic")
WIDE = 224
FOREST = "2019_YELL_2_528000_4978000_image_crop2"
SIDE = 64


def crops(target: Path, seed: int, learned: int, asked: int) -> Path:
    """Write grey squares of 16 photographs, one class each: left halves to learn, right to ask.

    In colour a histogram would tell them apart.

    Args:
        learned, asked: pictures of each class.
    """
    random = np.random.default_rng(seed)
    source = unpacked("scikit-image==0.26.0") / "skimage" / "data"
    for name in PHOTOGRAPHS:
        picture = Image.open(source / name).convert("L")
        width, height = picture.size
        halves = {"train": (0, width // 2, learned), "test": (width // 2, width, asked)}
        for part, (left, right, count) in halves.items():
            for number in range(count):
                side = min(int(random.integers(SIDE, 2 * SIDE)), right - left, height)
                x = int(random.integers(left, right - side + 1))
                y = int(random.integers(0, height - side + 1))
                square = picture.crop((x, y, x + side, y + side)).resize((SIDE, SIDE))
                _save(square, target / part / name.partition(".")[0], number)
    return target


def nature(target: Path, seed: int, learned: int, asked: int) -> Path:
    """Write photographs of birds, mammals, fruit and plants, cut out and laid on white.

    Each is another animal or thing: nothing that is asked was seen from another side.
    """
    random = np.random.default_rng(seed)
    stamps = debian("tuxpaint-stamps-default") / "usr" / "share" / "tuxpaint" / "stamps"
    for label, folders in NATURE.items():
        found = sorted(path for folder in folders for path in (stamps / folder).rglob("*.png"))
        photographs = [path for path in found if not {*path.parts} & {*DRAWN}]
        order = random.permutation(len(photographs))[: learned + asked]
        for number, place in enumerate(order):
            part = "train" if number < learned else "test"
            _save(_on_white(photographs[place]), target / part / label, number)
    return target


def _on_white(path: Path) -> Image.Image:
    """Return a cut-out picture as large as it fits into a white square."""
    picture = Image.open(path).convert("RGBA")
    scale = WIDE / max(picture.size)
    picture = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    )
    square = Image.new("RGB", (WIDE, WIDE), "white")
    square.paste(picture, ((WIDE - picture.width) // 2, (WIDE - picture.height) // 2), picture)
    return square


def trees(target: Path, seed: int, learned: int, asked: int) -> Path:
    """Write crowns of trees and ground beside them: left half of an aerial photograph to learn."""
    random = np.random.default_rng(seed)
    source = unpacked("deepforest==2.1.0") / "deepforest" / "data"
    picture = Image.open(source / f"{FOREST}.png").convert("RGB")
    boxes = _boxes(source / f"{FOREST}.xml")
    middle = picture.width // 2
    halves = {"train": (0, middle, learned), "test": (middle, picture.width, asked)}
    for part, (left, right, count) in halves.items():
        crowns = [
            box
            for box in boxes
            if left <= box[0] and box[2] <= right and min(box[2] - box[0], box[3] - box[1]) >= 20
        ]
        chosen = [crowns[place] for place in random.permutation(len(crowns))[:count]]
        ground = list(islice(_beside(boxes, (left, right), picture.height, random), count))
        for label, squares in (("tree", chosen), ("ground", ground)):
            for number, square in enumerate(squares):
                _save(picture.crop(square).resize((SIDE, SIDE)), target / part / label, number)
    return target


def _boxes(path: Path) -> list[Box]:
    corners = ("xmin", "ymin", "xmax", "ymax")
    found = []
    for each in ElementTree.parse(path).getroot().iter("bndbox"):
        left, top, right, bottom = (int(float(each.findtext(name) or 0)) for name in corners)
        found.append((left, top, right, bottom))
    return found


def _beside(
    boxes: list[Box], sides: tuple[int, int], height: int, random: np.random.Generator
) -> Iterator[Box]:
    """Yield squares between two sides that touch no crown."""
    known = np.array(boxes)
    while True:
        side = int(random.integers(24, 48))
        x = int(random.integers(sides[0], sides[1] - side))
        y = int(random.integers(0, height - side))
        apart = (known[:, 2] <= x) | (known[:, 0] >= x + side)
        if (apart | (known[:, 3] <= y) | (known[:, 1] >= y + side)).all():
            yield x, y, x + side, y + side


def _save(picture: Image.Image, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / f"{number:03d}.png")
