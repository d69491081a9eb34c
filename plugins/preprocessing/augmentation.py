"""Random changes of training pictures, drawn from (seed, epoch, sample) alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from workbench.plugin_api.parameters import Amount, param
from workbench.plugin_api.preprocessing import Augmentation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STREAM = 2
"""Keeps these random numbers apart from others of the same seed."""
_DRAWS = 24
"""Numbers drawn for every picture, used or not: one setting never changes what another does."""


class ImageAugmentation(Augmentation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Geometry first, then colour, blur and erasing; each by torchvision.transforms.v2."""

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
        import torch

        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([_STREAM, *seed])))
        draws = iter(rng.random(_DRAWS).tolist())
        wide = shaped.dtype == np.uint16
        array = (shaped / np.float32(65535)).astype(np.float32) if wide else np.array(shaped)
        picture = torch.from_numpy(array).permute(2, 0, 1)
        picture = self._moved(picture, draws)
        picture = self._coloured(picture, draws)
        picture = self._blurred(picture, next(draws))
        picture = self._erased(picture, draws)
        result: NDArray[Any] = picture.permute(1, 2, 0).contiguous().numpy()
        if wide:
            result = np.rint(np.clip(result, 0, 1) * 65535).astype(np.uint16)
        return result

    def _moved(self, picture: Any, draws: Any) -> Any:
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2 import functional

        height, width = picture.shape[-2:]
        fill = 0.0 if self.border == "black" else (1.0 if picture.is_floating_point() else 255.0)
        flip_x, flip_y, top, left = (next(draws) for _ in range(4))
        angle, move_x, move_y, zoom, shear_x, shear_y = (2 * next(draws) - 1 for _ in range(6))
        if self.crop_padding:
            places = 2 * self.crop_padding + 1
            padded = functional.pad(picture, [self.crop_padding] * 4, fill=fill)
            picture = functional.crop(padded, int(top * places), int(left * places), height, width)
        if self.horizontal_flip and flip_x < 0.5:
            picture = functional.horizontal_flip(picture)
        if self.vertical_flip and flip_y < 0.5:
            picture = functional.vertical_flip(picture)
        if self.rotation or self.translate or self.scale or self.shear:
            shift = self.translate
            picture = functional.affine(
                picture,
                angle=angle * self.rotation,
                translate=[move_x * shift * width, move_y * shift * height],
                scale=1 + zoom * self.scale,
                shear=[shear_x * self.shear, shear_y * self.shear],
                interpolation=InterpolationMode.BILINEAR,
                fill=fill,
            )
        return picture

    def _coloured(self, picture: Any, draws: Any) -> Any:
        from torchvision.transforms.v2 import functional

        brightness, contrast, saturation, hue = (2 * next(draws) - 1 for _ in range(4))
        if self.brightness:
            picture = functional.adjust_brightness(picture, 1 + brightness * self.brightness)
        if self.contrast:
            picture = functional.adjust_contrast(picture, 1 + contrast * self.contrast)
        if self.saturation and picture.shape[0] == 3:
            picture = functional.adjust_saturation(picture, 1 + saturation * self.saturation)
        if self.hue and picture.shape[0] == 3:
            picture = functional.adjust_hue(picture, hue * self.hue)
        return picture

    def _blurred(self, picture: Any, draw: float) -> Any:
        from torchvision.transforms.v2 import functional

        sigma = draw * self.blur
        radius = min(math.ceil(3 * sigma), min(picture.shape[-2:]) - 1)
        if sigma < 0.1 or radius < 1:
            return picture
        return functional.gaussian_blur(picture, [2 * radius + 1] * 2, [sigma, sigma])

    def _erased(self, picture: Any, draws: Any) -> Any:
        """Random erasing (Zhong et al. 2017): 2…20 % of the area, sides at most 1 : 3."""
        from torchvision.transforms.v2 import functional

        chance, share, ratio, top, left = (next(draws) for _ in range(5))
        if chance >= self.erase:
            return picture
        height, width = picture.shape[-2:]
        area = (0.02 + 0.18 * share) * height * width
        aspect = 3 ** (2 * ratio - 1)
        high = max(1, min(height, round(math.sqrt(area * aspect))))
        wide = max(1, min(width, round(math.sqrt(area / aspect))))
        row, column = int(top * (height - high + 1)), int(left * (width - wide + 1))
        value = picture.new_zeros(picture.shape[0], high, wide)
        return functional.erase(picture, row, column, high, wide, value)
