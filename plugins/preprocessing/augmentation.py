"""Random changes of training pictures, drawn from (seed, epoch, sample) alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from workbench.plugin_api.parameters import Amount, param
from workbench.plugin_api.preprocessing import Augmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_STREAM = 2
"""Keeps these random numbers apart from others of the same seed."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_DRAWS = 20
"""Numbers drawn for every picture, used or not: one setting never changes what another does."""


class ImageAugmentation(Augmentation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Geometry first, then colour, blur and erasing, as torchvision.transforms.v2 defines them."""

    id: ClassVar[str] = "image"
    title: ClassVar[str] = "Pictures"

    horizontal_flip: Annotated[
        bool, param("Mirror left to right", "Half of the pictures; wrong for digits and letters")
    ] = False
    vertical_flip: Annotated[bool, param("Mirror upside down", "Half of the pictures")] = False
    rotation: Annotated[
        float, param("Rotation", "Largest angle, either way", minimum=0, maximum=180, unit="°")
    ] = 10.0
    translate: Annotated[
        float,
        param("Shift", "Largest shift as a share of the size", minimum=0, maximum=1),
    ] = 0.1
    scale: Annotated[
        float,
        param("Zoom", "0.1 draws a factor between 0.9 and 1.1", minimum=0, below=1),
    ] = 0.1
    shear: Annotated[
        float, param("Shear", "Largest angle, either way", minimum=0, maximum=60, unit="°")
    ] = 0.0
    crop_padding: Annotated[
        Amount,
        param("Padded crop", "Add so many pixels on each side and cut the size out", unit="px"),
    ] = 0
    border: Annotated[
        Literal["black", "white"],
        param("Border", "What fills the parts that come into view", advanced=True),
    ] = "black"
    brightness: Annotated[
        float, param("Brightness", "0.2 draws a factor between 0.8 and 1.2", minimum=0, maximum=1)
    ] = 0.0
    contrast: Annotated[
        float, param("Contrast", "0.2 draws a factor between 0.8 and 1.2", minimum=0, maximum=1)
    ] = 0.0
    saturation: Annotated[
        float, param("Saturation", "0.2 draws a factor between 0.8 and 1.2", minimum=0, maximum=1)
    ] = 0.0
    hue: Annotated[
        float,
        param("Hue", "Largest turn of the colour circle, either way", minimum=0, maximum=0.5),
    ] = 0.0
    blur: Annotated[
        float,
        param("Blur", "Largest deviation of the Gaussian", minimum=0, maximum=20, unit="px"),
    ] = 0.0
    erase: Annotated[
        float,
        param("Erase", "Share of pictures that lose a rectangle", minimum=0, maximum=1),
    ] = 0.0

    def apply(self, shaped: NDArray[Any], seed: Sequence[int]) -> NDArray[Any]:
        """Return a changed copy; uint8 and uint16, one and three channels alike."""
        changed: NDArray[Any] = self.apply_batch(shaped[np.newaxis], [seed])[0]
        return changed

    def apply_batch(self, shaped: NDArray[Any], seeds: Sequence[Sequence[int]]) -> NDArray[Any]:
        """Change many pictures in a few tensor operations, each by its own seed.

        Calling an operation of torchvision for every picture costs eight times as much for
        pictures of 28 × 28, and would keep training waiting on a machine of two cores.
        """
        import torch

        if not len(shaped):
            return shaped.copy()
        draws = _draw(np.array(seeds, np.uint64))
        top = np.float32(np.iinfo(shaped.dtype).max)
        pictures = torch.from_numpy(shaped / top).permute(0, 3, 1, 2)
        pictures = self._moved(pictures, draws[:, :10])
        pictures = self._coloured(pictures, draws[:, 10:14])
        pictures = self._blurred(pictures, draws[:, 14])
        pictures = self._erased(pictures, draws[:, 15:20])
        result = pictures.permute(0, 2, 3, 1).clamp(0, 1).numpy()
        return np.rint(result * top).astype(shaped.dtype, order="C")

    def _moved(self, pictures: Any, draws: NDArray[np.float64]) -> Any:
        """Crop, mirror, rotate, shift, zoom and shear in one sampling of the picture."""
        from torch.nn.functional import grid_sample

        if not (
            self.crop_padding
            or self.horizontal_flip
            or self.vertical_flip
            or self.rotation
            or self.translate
            or self.scale
            or self.shear
        ):
            return pictures
        height, width = pictures.shape[-2:]
        grid = _grid(self._places(draws, height, width), height, width)
        if self.border == "white":
            return 1 - grid_sample(1 - pictures, grid, align_corners=False)
        return grid_sample(pictures, grid, align_corners=False)

    def _places(self, draws: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
        """Return where each point of the result comes from: picture × 2 × 3.

        The rotation, shear and zoom are torchvision's (transforms.v2.functional.affine); the
        coordinates are those of torch.nn.functional.grid_sample, −1…1 from edge to edge.
        """
        size = np.array([width, height], np.float64)
        either_way = 2 * draws[:, 4:] - 1
        angle = np.radians(either_way[:, 0] * self.rotation)
        move = either_way[:, 1:3] * self.translate * size
        zoom = 1 + either_way[:, 3] * self.scale
        shear_x, shear_y = np.radians(either_way[:, 4:6] * self.shear).T
        cosine, sine = np.cos(angle - shear_y), np.sin(angle - shear_y)
        across, down = np.tan(shear_x), np.cos(shear_y)
        forward = np.empty((len(draws), 2, 2))
        forward[:, 0, 0] = cosine / down
        forward[:, 0, 1] = -cosine * across / down - np.sin(angle)
        forward[:, 1, 0] = sine / down
        forward[:, 1, 1] = -sine * across / down + np.cos(angle)
        backward = np.linalg.inv(forward * zoom[:, np.newaxis, np.newaxis])
        shift = -np.einsum("nij,nj->ni", backward, move)
        mirror = np.where(draws[:, :2] < [self.horizontal_flip / 2, self.vertical_flip / 2], -1, 1)
        backward *= mirror[:, :, np.newaxis]
        crop = np.floor(draws[:, 2:4] * (2 * self.crop_padding + 1)) - self.crop_padding
        shift = mirror * shift + crop
        places = np.concatenate(
            [backward * size / size[:, np.newaxis], (2 * shift / size)[..., np.newaxis]], axis=-1
        )
        return places.astype(np.float32)

    def _coloured(self, pictures: Any, draws: NDArray[np.float64]) -> Any:
        from torchvision.transforms.v2 import functional

        brightness, contrast, saturation = (
            _column(1 + (2 * draws[:, n] - 1) * amount)
            for n, amount in enumerate((self.brightness, self.contrast, self.saturation))
        )
        is_colour = pictures.shape[1] == 3
        if self.brightness:
            pictures = (pictures * brightness).clamp(0, 1)
        if self.contrast:
            grey = functional.rgb_to_grayscale(pictures) if is_colour else pictures
            mean = grey.mean(dim=(1, 2, 3), keepdim=True)
            pictures = (contrast * pictures + (1 - contrast) * mean).clamp(0, 1)
        if self.saturation and is_colour:
            grey = functional.rgb_to_grayscale(pictures)
            pictures = (saturation * pictures + (1 - saturation) * grey).clamp(0, 1)
        if self.hue and is_colour:
            turns = (2 * draws[:, 3] - 1) * self.hue
            pictures = _each(functional.adjust_hue, pictures, turns.tolist())
        return pictures

    def _blurred(self, pictures: Any, draws: NDArray[np.float64]) -> Any:
        from torchvision.transforms.v2 import functional

        def blur(picture: Any, sigma: float) -> Any:
            radius = min(math.ceil(3 * sigma), min(picture.shape[-2:]) - 1)
            if sigma < 0.1 or radius < 1:
                return picture
            return functional.gaussian_blur(picture, [2 * radius + 1] * 2, [sigma, sigma])

        return _each(blur, pictures, (draws * self.blur).tolist()) if self.blur else pictures

    def _erased(self, pictures: Any, draws: NDArray[np.float64]) -> Any:
        """Random erasing (Zhong et al. 2017): 2…20 % of the area, sides at most 1 : 3."""
        height, width = pictures.shape[-2:]
        pictures = pictures.clone() if self.erase else pictures
        for number in np.flatnonzero(draws[:, 0] < self.erase).tolist():
            _, share, ratio, top, left = draws[number].tolist()
            area, aspect = (0.02 + 0.18 * share) * height * width, 3 ** (2 * ratio - 1)
            high = max(1, min(height, round(math.sqrt(area * aspect))))
            wide = max(1, min(width, round(math.sqrt(area / aspect))))
            row, column = int(top * (height - high + 1)), int(left * (width - wide + 1))
            pictures[number, :, row : row + high, column : column + wide] = 0
        return pictures


def _draw(seeds: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return uniform numbers in 0…1 for each row of seeds, by SplitMix64 (Steele et al. 2014).

    It is a hash: every number depends on its own seed and place alone, and all are made at once.
    """
    state = np.full(len(seeds), _STREAM, np.uint64)
    for part in seeds.T:
        state = _mixed(state + part)
    steps = np.arange(_DRAWS, dtype=np.uint64) * _GOLDEN
    return (_mixed(state[:, np.newaxis] + steps) >> np.uint64(11)) * 2.0**-53


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _grid(places: NDArray[np.float32], height: int, width: int) -> Any:
    """Do what torch.nn.functional.affine_grid does, six times as fast for small pictures."""
    import torch

    x = torch.linspace(-1 + 1 / width, 1 - 1 / width, width)
    y = torch.linspace(-1 + 1 / height, 1 - 1 / height, height)
    by_x, by_y, shift = torch.from_numpy(places)[:, :, :, None, None].unbind(2)
    return (by_x * x + by_y * y[:, None] + shift).permute(0, 2, 3, 1)


def _column(values: NDArray[np.float64]) -> Any:
    import torch

    return torch.from_numpy(values.astype(np.float32)).reshape(-1, 1, 1, 1)


def _each(operation: Callable[[Any, float], Any], pictures: Any, amounts: list[float]) -> Any:
    import torch

    return torch.stack(
        [operation(picture, amount) for picture, amount in zip(pictures, amounts, strict=True)]
    )
