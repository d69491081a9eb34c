"""Making pictures, sequences and volumes larger or smaller without weights."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers._source import call, short
from plugins.layers._windows import need_space, per_axis, times
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import TensorType

Interpolation = Annotated[
    Literal["nearest", "bilinear", "bicubic"],
    param("Interpolation", "How values between the old ones are found"),
]
_FACTOR = param("Factor", "How many times larger along each axis")


class _Upsample(Layer, frozen=True, kw_only=True):
    """What upsampling of all ranks shares."""

    category = "Shape"
    rank: ClassVar[int]

    factor: int | tuple[int, ...] = 2

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the larger space × channels; raises ShapeError for what has no space."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank)
        factors = per_axis(self.factor)
        lengths = (
            length * factor for length, factor in zip(tensor.shape[:-1], factors, strict=True)
        )
        return TensorType((*lengths, tensor.shape[-1]), tensor.axes)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Upsample; by a whole factor its "nearest" has one meaning only."""
        init = call("nn.Upsample", scale_factor=short(per_axis(self.factor)))
        return Code("{self}({0})", init, "channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.UpSampling."""
        return Code(
            "{self}({0})", call(f"layers.UpSampling{self.rank}D", short(per_axis(self.factor)))
        )

    def summary(self) -> str:
        """Return "2×2"."""
        return times(per_axis(self.factor))


class Upsample1D(_Upsample, frozen=True, kw_only=True):
    """Repeats each step of a sequence."""

    id = "Upsample1D"
    title = "Upsample 1D"
    help = "Repeats each step of a sequence."
    keywords = ("repeat", "larger", "sequence")
    rank = 1

    factor: Annotated[Size, _FACTOR] = 2


class Upsample2D(_Upsample, frozen=True, kw_only=True):
    """Makes a picture a whole number of times larger."""

    id = "Upsample2D"
    title = "Upsample"
    help = "Makes a picture a whole number of times larger."
    keywords = ("resize", "larger", "decoder", "interpolate")
    rank = 2

    factor: Annotated[tuple[Size, Size], _FACTOR] = (2, 2)
    interpolation: Interpolation = "nearest"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Upsample; bicubic means Keys' cubic with a = -0.5, which needs antialias."""
        if self.interpolation == "nearest":
            return super().torch(inputs, layout)
        if self.interpolation == "bicubic":
            return Code(_resized(self.output(inputs).shape, "bicubic", True), "", "channels_first")
        factor = short(self.factor)
        init = call("nn.Upsample", scale_factor=factor, mode='"bilinear"', align_corners=False)
        return Code("{self}({0})", init, "channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.UpSampling2D, or layers.Resizing for bicubic, which needs antialias."""
        if self.interpolation == "nearest":
            return super().keras(inputs)
        if self.interpolation == "bicubic":
            return _resizing(self.output(inputs).shape, "bicubic", True)
        init = call("layers.UpSampling2D", short(self.factor), interpolation='"bilinear"')
        return Code("{self}({0})", init)

    def summary(self) -> str:
        """Return "2×2 · bilinear"."""
        return f"{times(self.factor)} · {self.interpolation}"


class Upsample3D(_Upsample, frozen=True, kw_only=True):
    """Repeats the values of a volume."""

    id = "Upsample3D"
    title = "Upsample 3D"
    help = "Makes a volume or a video larger by repeating its values."
    keywords = ("repeat", "larger", "volume")
    rank = 3

    factor: Annotated[tuple[Size, Size, Size], _FACTOR] = (2, 2, 2)


class Resize(Layer, frozen=True, kw_only=True):
    """Brings pictures to a size."""

    id = "Resize"
    title = "Resize"
    category = "Shape"
    help = "Brings pictures to a height and width, larger or smaller."
    keywords = ("scale", "interpolate", "downsample", "upsample")

    height: Annotated[int, param("Height", unit="pixels", minimum=1, maximum=65536)] = 32
    width: Annotated[int, param("Width", unit="pixels", minimum=1, maximum=65536)] = 32
    interpolation: Interpolation = "bilinear"
    antialias: Annotated[
        bool,
        param(
            "Antialias",
            "Average where the picture becomes smaller; bicubic always does",
            shown_if=("interpolation", ("bilinear",)),
        ),
    ] = False

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return height × width × channels; raises ShapeError unless a picture comes in."""
        tensor = inputs[0]
        need_space(self, tensor, 2)
        return TensorType((self.height, self.width, tensor.shape[-1]), tensor.axes)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return F.interpolate; nearest takes pixels by their centres, as Keras does."""
        mode = "nearest-exact" if self.interpolation == "nearest" else self.interpolation
        resized = _resized((self.height, self.width), mode, self._is_smooth)
        return Code(resized, "", "channels_first")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Resizing."""
        return _resizing((self.height, self.width), self.interpolation, self._is_smooth)

    def summary(self) -> str:
        """Return "32×32 · bilinear"."""
        return f"{self.height}×{self.width} · {self.interpolation}"

    @property
    def _is_smooth(self) -> bool:
        """Whether the frameworks are asked to antialias."""
        return self.interpolation == "bicubic" or (
            self.interpolation == "bilinear" and self.antialias
        )


def _resizing(shape: Sequence[int | None], interpolation: str, antialias: bool) -> Code:
    """Return layers.Resizing, with axes swapped where PyTorch is wrong (see `_resized`)."""
    height, width = shape[:2]
    options = {
        "interpolation": None if interpolation == "bilinear" else f'"{interpolation}"',
        "antialias": True if antialias else None,
    }
    if not antialias or width != 1:
        return Code("{self}({0})", call("layers.Resizing", height, width, **options))
    swap = call("layers.Permute", (2, 1, 3), name='"{name}.swap"')
    resize = call("layers.Resizing", width, height, **options, name='"{name}.resize"')
    return Code("{self}(" + f"{resize}({swap}({{0}}))" + ")", call("layers.Permute", (2, 1, 3)))


def _resized(shape: Sequence[int | None], mode: str, antialias: bool) -> str:
    """Return F.interpolate; its antialias repeats one row where the output is one pixel wide.

    Height and width change places there: one pixel high is right.
    """
    height, width = shape[:2]
    swap = ".mT" if antialias and width == 1 else ""
    size = (width, height) if swap else (height, width)
    smooth = True if antialias else None
    return call("F.interpolate", "{0}" + swap, size=size, mode=f'"{mode}"', antialias=smooth) + swap
