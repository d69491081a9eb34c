"""RandAugment: a few operations out of fourteen, drawn for each picture (Cubuk et al., 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from workbench.plugin_api.parameters import param
from workbench.plugin_api.preprocessing import Augmentation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_STREAM = 4
"""Keeps these random numbers apart from others of the same seed."""
OPERATIONS = (
    "identity",
    "autocontrast",
    "equalize",
    "rotate",
    "solarize",
    "color",
    "posterize",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
STRONGEST = 30
"""The scale of magnitudes, as in the paper."""


class RandAugment(Augmentation, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Operations and their ranges are those of torchvision.transforms.v2.RandAugment."""

    id: ClassVar[str] = "rand_augment"
    title: ClassVar[str] = "RandAugment"

    operations: Annotated[
        int, param("Operations", "So many in a row, for each picture", minimum=1, maximum=14)
    ] = 2
    magnitude: Annotated[
        int,
        param("Magnitude", "How strongly all of them change", minimum=0, maximum=STRONGEST),
    ] = 9
    border: Annotated[
        Literal["black", "white"],
        param("Border", "What fills the parts that come into view", advanced=True),
    ] = "black"

    def apply(self, shaped: NDArray[Any], seed: Sequence[int]) -> NDArray[Any]:
        """Return a changed copy; pictures of 16 bits are changed with 8 bits of precision."""
        import torch

        key = np.random.SeedSequence([_STREAM, *(int(part) for part in seed)])
        rng = np.random.Generator(np.random.Philox(key))
        small = (shaped >> 8).astype(np.uint8) if shaped.dtype == np.uint16 else shaped
        picture = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))
        for number in rng.integers(len(OPERATIONS), size=self.operations).tolist():
            sign = 1 if rng.random() < 0.5 else -1
            picture = self._changed(picture, OPERATIONS[number], sign)
        changed: NDArray[Any] = np.ascontiguousarray(picture.numpy().transpose(1, 2, 0))
        return changed.astype(np.uint16) * 257 if shaped.dtype == np.uint16 else changed

    def _changed(self, picture: Any, operation: str, sign: int) -> Any:
        from torchvision.transforms.v2 import functional

        share = self.magnitude / STRONGEST
        height, width = picture.shape[-2:]
        match operation:
            case "identity":
                return picture
            case "autocontrast":
                return functional.autocontrast(picture)
            case "equalize":
                return functional.equalize(picture)
            case "solarize":
                return functional.solarize(picture, 255.0 * (1 - share))
            case "posterize":
                return functional.posterize(picture, 8 - round(self.magnitude / (STRONGEST / 4)))
            case "color" | "contrast" | "brightness" | "sharpness":
                return self._shaded(picture, operation, 1 + sign * 0.9 * share)
            case "rotate":
                return self._moved(picture, angle=-sign * 30.0 * share)
            case "shear_x" | "shear_y":
                angle = float(np.degrees(np.arctan(sign * 0.3 * share)))
                return self._moved(
                    picture, shear=(angle, 0.0) if operation == "shear_x" else (0.0, angle)
                )
        size = width if operation == "translate_x" else height
        shift = int(sign * 150 / 331 * share * size)
        return self._moved(picture, shift=(shift, 0) if operation == "translate_x" else (0, shift))

    def _shaded(self, picture: Any, operation: str, factor: float) -> Any:
        from torchvision.transforms.v2 import functional

        if operation == "color":
            if picture.shape[0] != 3:  # grey has no saturation
                return picture
            return functional.adjust_saturation(picture, factor)
        if operation == "contrast":
            return functional.adjust_contrast(picture, factor)
        if operation == "brightness":
            return functional.adjust_brightness(picture, factor)
        return functional.adjust_sharpness(picture, factor)

    def _moved(
        self,
        picture: Any,
        angle: float = 0.0,
        shift: tuple[int, int] = (0, 0),
        shear: tuple[float, float] = (0.0, 0.0),
    ) -> Any:
        from torchvision.transforms.v2 import functional

        fill = 255.0 if self.border == "white" else 0.0
        return functional.affine(
            picture,
            angle=angle,
            translate=list(shift),
            scale=1.0,
            shear=list(shear),
            interpolation=functional.InterpolationMode.BILINEAR,
            fill=[fill] * picture.shape[0],
            center=[0, 0] if any(shear) else None,
        )
