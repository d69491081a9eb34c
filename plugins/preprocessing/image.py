"""Pictures of any size and mode to arrays of one shape and scale."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from workbench.errors import UserError
from workbench.plugin_api import pictures
from workbench.plugin_api.data import known_shapes
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.preprocessing import Preprocessing
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples

# Mean and deviation of ImageNet's training pictures, as every torchvision network expects them
# (torchvision.transforms presets); the grey ones are their means, as in timm.
IMAGENET = {
    3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    1: ((0.449,), (0.226,)),
}
FIT_SAMPLES = 2000
"""Mean and deviation are taken from at most so many pictures, spread evenly over the split."""


class ImagePreprocessing(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Size, channels and scale of pictures."""

    id: ClassVar[str] = "image"
    title: ClassVar[str] = "Pictures"

    height: Annotated[
        Size | None,
        param("Height", "Empty: as stored, if all pictures are equally high", unit="px"),
    ] = None
    width: Annotated[
        Size | None,
        param("Width", "Empty: as stored, if all pictures are equally wide", unit="px"),
    ] = None
    resize: Annotated[
        Literal["stretch", "crop", "pad"],
        param(
            "Fit",
            "Stretch ignores the proportions, crop cuts the longer side, pad adds black borders",
        ),
    ] = "stretch"
    crop_share: Annotated[
        float,
        param(
            "Keep",
            "Share of the sides that a crop keeps; networks are often judged on 0.875",
            above=0,
            maximum=1,
            shown_if=("resize", ("crop",)),
        ),
    ] = 1.0
    interpolation: Annotated[
        Literal["nearest", "bilinear", "bicubic", "lanczos", "area"],
        param("Interpolation", "How pixels are made when the size changes", advanced=True),
    ] = "bilinear"
    channels: Annotated[
        Literal["stored", "grayscale", "rgb"],
        param("Channels", "Stored: grey if all pictures are grey, else colour"),
    ] = "stored"
    scaling: Annotated[
        Literal["zero_one", "minus_one_one", "standardise", "imagenet", "given", "none"],
        param(
            "Scale",
            "0…1, −1…1, zero mean and unit deviation per channel, "
            "what networks trained on ImageNet expect, mean and deviation as you give them, "
            "or 0…255 as stored",
        ),
    ] = "zero_one"
    mean: Annotated[
        tuple[float, ...],
        param("Mean", "Taken off each channel of 0…1 values", shown_if=("scaling", ("given",))),
    ] = (0.5, 0.5, 0.5)
    deviation: Annotated[
        tuple[Annotated[float, param("", above=0)], ...],
        param("Deviation", "What each channel is divided by", shown_if=("scaling", ("given",))),
    ] = (0.5, 0.5, 0.5)
    colour_order: Annotated[
        Literal["rgb", "bgr"],
        param(
            "Colour order",
            "bgr: blue first, as networks from Caffe want it",
            advanced=True,
        ),
    ] = "rgb"

    def output(self, samples: Samples) -> TensorType:
        """Return height × width × channels; reads one picture at most."""
        shapes = known_shapes(samples)
        if shapes is None:
            shapes = np.array([samples.read(0).shape])
        sizes = [
            wanted or _common(shapes[:, axis], shapes)
            for axis, wanted in enumerate((self.height, self.width))
        ]
        return TensorType((*sizes, self._channels(int(shapes[0, 2]))))

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Learn the shape, and for `standardise` mean and deviation per channel."""
        shape = self.output(samples).shape
        fitted: dict[str, Any] = {"shape": list(shape)}
        if self.scaling == "standardise":
            mean, std = self.resolved(fitted)._moments(samples)
            fitted |= {"mean": mean, "std": std}
        return fitted

    def resolved(self, fitted: dict[str, Any]) -> ImagePreprocessing:
        """Return the same with size and channels settled, so that any file fits the network."""
        if "shape" not in fitted:
            return self
        height, width, channels = fitted["shape"]
        names = {1: "grayscale", 3: "rgb"}
        return msgspec.structs.replace(
            self, height=height, width=width, channels=names.get(channels, self.channels)
        )

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the picture at its size and with its channels; uint8 or uint16 as it came."""
        picture = pictures.with_channels(raw, self._channels(raw.shape[-1]))
        height, width = self.height or raw.shape[0], self.width or raw.shape[1]
        return pictures.resized(
            picture, height, width, self.resize, self.interpolation, share=self.crop_share
        )

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.float32]:
        """Return float32 values on the chosen scale."""
        if self.scaling == "none":
            values = shaped.astype(np.float32)
        else:
            values = pictures.scaled(shaped, *self._mean_and_std(shaped.shape[-1], fitted))
        return values if self.colour_order == "rgb" else np.ascontiguousarray(values[..., ::-1])

    def read_file(self, path: str) -> NDArray[Any]:
        """Read any picture file; raises UserError when it cannot."""
        return pictures.read_picture(path)

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the functions that prepare a picture, ending in `load(path)`."""
        height, width, channels = fitted["shape"]
        functions = [
            pictures.decode,
            pictures.sixteen_bit,
            pictures.with_channels,
            pictures.resized,
        ]
        constants = ""
        result = "picture.astype(np.float32)"
        if self.scaling != "none":
            mean, std = (values.tolist() for values in self._mean_and_std(channels, fitted))
            constants = (
                f"MEAN = np.array({mean}, np.float32)\nSTD = np.array({std}, np.float32)\n\n\n"
            )
            functions.append(pictures.scaled)
            result = "scaled(picture, MEAN, STD)"
        if self.colour_order == "bgr":
            result = f"np.ascontiguousarray({result}[..., ::-1])"
        sources = "\n\n".join(inspect.getsource(function) for function in functions)
        return (
            f"import numpy as np\nfrom PIL import Image\n\n{constants or chr(10)}{sources}\n\n"
            "def load(path: str) -> np.ndarray:\n"
            f'    """Read a picture as the network takes it: {height} × {width} × {channels}."""\n'
            f"    picture = with_channels(decode(path), {channels})\n"
            f'    picture = resized(picture, {height}, {width}, "{self.resize}", '
            f'"{self.interpolation}", share={self.crop_share})\n'
            f"    return {result}\n"
        )

    def _channels(self, stored: int) -> int:
        return {"stored": stored, "grayscale": 1, "rgb": 3}[self.channels]

    def _mean_and_std(
        self, channels: int, fitted: dict[str, Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        mean, std = {
            "zero_one": ([0.0] * channels, [1.0] * channels),
            "minus_one_one": ([0.5] * channels, [0.5] * channels),
            "standardise": (fitted.get("mean"), fitted.get("std")),
            "imagenet": IMAGENET.get(channels, IMAGENET[3]),
            "given": (self.mean, self.deviation),
        }[self.scaling]
        if len(mean) not in (1, channels) or len(std) not in (1, channels):
            raise UserError(
                f"The pictures have {channels} channels, but there are {len(mean)} means and "
                f"{len(std)} deviations.",
                "Give one for each channel, or one for all, in the data settings.",
            )
        return np.array(mean, np.float32), np.array(std, np.float32)

    def _moments(self, samples: Samples) -> tuple[list[float], list[float]]:
        total = squares = count = np.zeros(1)
        chosen = np.unique(np.linspace(0, len(samples) - 1, FIT_SAMPLES).astype(int))
        for index in chosen.tolist():
            try:
                picture = self.shape(samples.read(index))
            except UserError:
                continue  # reported when training comes to it
            values = picture.reshape(-1, picture.shape[-1]) / float(np.iinfo(picture.dtype).max)
            total = total + values.sum(axis=0)
            squares = squares + np.square(values).sum(axis=0)
            count = count + len(values)
        mean = total / np.maximum(count, 1)
        std = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
        return mean.tolist(), np.where(std > 1e-6, std, 1.0).tolist()


def _common(sizes: NDArray[Any], shapes: NDArray[Any]) -> int:
    if sizes.min() == sizes.max():
        return int(sizes[0])
    areas = shapes[:, 0] * shapes[:, 1]
    small, large = shapes[areas.argmin()], shapes[areas.argmax()]
    raise UserError(
        f"The pictures have different sizes, from {small[0]} × {small[1]} "
        f"to {large[0]} × {large[1]}.",
        "Set a height and a width in the data settings.",
    )
