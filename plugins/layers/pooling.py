"""Max and average pooling over one, two and three axes."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers._sliding import PaddingSetting
from plugins.layers._source import call, short, unless
from plugins.layers._torch import padded
from plugins.layers._windows import (
    Window,
    need_space,
    pads_per_axis,
    per_axis,
    resolve_pads,
    slide,
    stride_words,
    times,
)
from workbench.plugin_api.code import Code, Layout, Lengths
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import Pair, Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_PADS = param("Pads", "Before and after each axis", shown_if=("padding", ("explicit",)))
_POOL = param("Pool size", "How many values along each axis become one")
_STRIDE = param("Stride", "Step from window to window; empty: the pool size")

_AVERAGE = '''\
def average_pool{rank}d(x, kernel, stride, pads):
    """Average pooling whose means leave the padding out."""
    inside = F.pad(torch.ones_like(x[:1, :1]), pads)
    total = F.avg_pool{rank}d(F.pad(x, pads), kernel, stride)
    return total / F.avg_pool{rank}d(inside, kernel, stride)
'''

# Not max_pool1d: torch.export 2.15 would fix the number of steps to the example's.
_MAX_STEPS = '''\
def max_pool_steps(x, mask, kernel, stride, pads):
    """Max pooling of real steps; zero where a window has none."""
    x = F.pad(x.masked_fill(~mask[:, None], float("-inf")), pads, value=float("-inf"))
    y = F.max_pool2d(x[..., None], (kernel, 1), (stride, 1))[..., 0]
    return y.masked_fill(y == float("-inf"), 0)
'''

_AVERAGE_STEPS = '''\
def average_pool_steps(x, mask, kernel, stride, pads):
    """Average pooling of real steps; zero where a window has none."""
    real = F.pad(mask[:, None].to(x.dtype), pads)
    x = F.pad(x.masked_fill(~mask[:, None], 0), pads)
    share = F.avg_pool1d(real, kernel, stride).clamp(min=1 / kernel)
    return F.avg_pool1d(x, kernel, stride) / share
'''

_STEP_POOL = '''\
@keras.saving.register_keras_serializable("workbench")
class {name}(layers.Layer):
    """{summary}

    Takes a sequence and its mask. `pads` are zeros before and after it.
    """

    def __init__(self, pool_size, strides, pads, **options):
        super().__init__(**options)
        self.pool_size = pool_size
        self.strides = strides
        self.pads = pads

    def call(self, inputs):
        x, mask = inputs
        real = ops.expand_dims(mask, -1)
        pads = [(0, 0), self.pads, (0, 0)]
        pool = self.pool_size, self.strides
{body}

    def compute_output_spec(self, inputs):
        batch, steps, channels = inputs[0].shape
        if steps is not None:
            steps = (steps + sum(self.pads) - self.pool_size) // self.strides + 1
        return keras.KerasTensor((batch, steps, channels), dtype=inputs[0].dtype)

    def get_config(self):
        own = {{"pool_size": self.pool_size, "strides": self.strides, "pads": self.pads}}
        return {{**super().get_config(), **own}}
'''

_MAX_BODY = """\
        lowest = float("-inf")
        x = ops.pad(ops.where(real, x, lowest), pads, constant_values=lowest)
        y = ops.max_pool(x, *pool)
        return ops.where(y == lowest, ops.zeros_like(y), y)"""

_AVERAGE_BODY = """\
        x = ops.pad(ops.where(real, x, ops.zeros_like(x)), pads)
        share = ops.average_pool(ops.pad(ops.cast(real, x.dtype), pads), *pool)
        return ops.average_pool(x, *pool) / ops.maximum(share, 1 / self.pool_size)"""

_PADDED_POOL = '''\
@keras.saving.register_keras_serializable("workbench")
class {name}(layers.{base}):
    """{summary}

    `pads` are (before, after) each spatial axis.
    """

    def __init__(self, pool_size, pads, **options):
        super().__init__(pool_size, **options)
        self.pads = pads

    def call(self, x):
{body}

    def compute_output_shape(self, input_shape):
        batch, *sizes, channels = input_shape
        padded = [size + sum(pair) for size, pair in zip(sizes, self.pads)]
        return super().compute_output_shape((batch, *padded, channels))

    def get_config(self):
        return {{**super().get_config(), "pads": self.pads}}
'''

_PADDED_MAX = """\
        pads = [(0, 0), *self.pads, (0, 0)]
        return super().call(ops.pad(x, pads, constant_values=float("-inf")))"""

_PADDED_AVERAGE = """\
        pads = [(0, 0), *self.pads, (0, 0)]
        inside = ops.pad(ops.ones((1, *x.shape[1:-1], 1), x.dtype), pads)
        return super().call(ops.pad(x, pads)) / super().call(inside)"""


class _Pool(Layer, frozen=True, kw_only=True):
    """What pooling layers of all ranks share."""

    category = "Pooling"
    reference = "https://d2l.ai/chapter_convolutional-neural-networks/pooling.html"
    rank: ClassVar[int]
    keras_name: ClassVar[Literal["MaxPooling", "AveragePooling"]]
    keras_summary: ClassVar[str]
    keras_body: ClassVar[str]

    pool_size: int | tuple[int, ...] = 2
    stride: int | tuple[int, ...] | None = None
    padding: PaddingSetting = "valid"
    pads: Pair | tuple[Pair, ...] = (0, 0)

    step_function: ClassVar[tuple[str, str]]
    """Name and source of what pools samples that differ in length in PyTorch."""
    step_body: ClassVar[str]
    """What does in Keras."""

    @property
    def windows(self) -> tuple[Window, ...]:
        """The window along each spatial axis."""
        stride = self.pool_size if self.stride is None else self.stride
        axes = zip(per_axis(self.pool_size), per_axis(stride), strict=True)
        return tuple(Window(*axis) for axis in axes)

    def pads_for(self, tensor: TensorType) -> tuple[Pair, ...]:
        """Return the padding before and after each spatial axis."""
        return resolve_pads(tensor, self.windows, self.padding, pads_per_axis(self.pads))

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the smaller space × channels; raises ShapeError for what cannot be pooled."""
        tensor = inputs[0]
        need_space(self, tensor, self.rank, may_vary=self.rank == 1)
        pads = () if tensor.varies else self.pads_for(tensor)
        if any(max(pair) >= w.kernel for pair, w in zip(pads, self.windows, strict=False)):
            raise ShapeError(
                f"{self.title} would have windows that hold padding alone.",
                "Make every pad smaller than the pool size.",
            )
        return TensorType((*slide(self, tensor, self.windows, pads), tensor.shape[-1]), tensor.axes)

    def summary(self) -> str:
        """Return "2×2", then "stride 1" or "same" where they matter."""
        size = per_axis(self.pool_size)
        stride = "" if self.stride in (None, self.pool_size) else per_axis(self.stride)
        words = (
            times(size),
            stride_words(stride) or "stride 1" if stride else "",
            {"valid": "", "same": "same", "explicit": "padded"}[self.padding],
        )
        return " · ".join(word for word in words if word)

    def _torch_steps(self, tensor: TensorType) -> Code:
        """Return a function of its own for samples that differ in length."""
        name, source = self.step_function
        (pads,) = self.pads_for(tensor)
        expression = call(name, "{0}", "{mask}", *self._sizes(), pads)
        return Code(
            expression, layout="channels_first", helpers={name: source}, lengths=self._lengths()
        )

    def _keras_steps(self, tensor: TensorType) -> Code:
        name = f"Step{self.keras_name}"
        kernel, stride = self._sizes()
        (pads,) = self.pads_for(tensor)
        helper = _STEP_POOL.format(name=name, summary=self.keras_summary, body=self.step_body)
        return Code(
            "{self}([{0}, {mask}])",
            call(name, kernel, stride, pads),
            helpers={name: helper},
            lengths=self._lengths(),
        )

    def _lengths(self) -> Lengths | None:
        return self.windows[0].lengths(self.padding, pads_per_axis(self.pads)[0])

    def _keras_pool(self, pads: tuple[Pair, ...], is_own: bool) -> Code:
        """Return Keras' pooling with its own padding, or its subclass that pads first."""
        kernel, stride = self._sizes()
        base = f"{self.keras_name}{self.rank}D"
        name = base if is_own else f"Padded{base}"
        init = call(
            f"layers.{base}" if is_own else name,
            kernel,
            strides=unless(stride, kernel),
            padding='"same"' if is_own and any(map(any, pads)) else None,
            pads=None if is_own else pads,
        )
        helper = _PADDED_POOL.format(
            name=name, base=base, summary=self.keras_summary, body=self.keras_body
        )
        return Code("{self}({0})", init, helpers={} if is_own else {name: helper})

    def _torch_module(self, name: str, pads: tuple[Pair, ...], **options: object) -> str:
        kernel, stride = self._sizes()
        return call(
            f"nn.{name}{self.rank}d",
            kernel,
            stride=unless(stride, kernel),
            padding=unless(short([before for before, _ in pads]), 0),
            **options,
        )

    def _sizes(self) -> tuple[int | tuple[int, ...], int | tuple[int, ...]]:
        kernels = [window.kernel for window in self.windows]
        return short(kernels), short([window.stride for window in self.windows])

    def _fits_torch(self, pads: Sequence[Pair]) -> bool:
        """Whether PyTorch's own pooling takes these pads: even, and half a window at most."""
        return all(
            before == after and before <= window.kernel // 2
            for (before, after), window in zip(pads, self.windows, strict=True)
        )


class _MaxPool(_Pool, frozen=True, kw_only=True):
    keras_name = "MaxPooling"
    keras_summary = "Max pooling whose padding is never the largest."
    keras_body = _PADDED_MAX
    step_function = ("max_pool_steps", _MAX_STEPS)
    step_body = _MAX_BODY

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.MaxPool; pads that it does not take are minus infinity by F.pad."""
        if inputs[0].varies:
            return self._torch_steps(inputs[0])
        pads = self.pads_for(inputs[0])
        none = ((0, 0),) * self.rank
        own, extra = (pads, none) if self._fits_torch(pads) else (none, pads)
        value = 'float("-inf")'
        return Code(
            init=self._torch_module("MaxPool", own),
            call="{self}(" + padded("{0}", extra, "channels_first", value) + ")",
            layout="channels_first",
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.MaxPooling; explicit pads are minus infinity by a subclass."""
        if inputs[0].varies:
            return self._keras_steps(inputs[0])
        pads = self.pads_for(inputs[0])
        return self._keras_pool(pads, self.padding == "same" or not any(map(any, pads)))


class _AveragePool(_Pool, frozen=True, kw_only=True):
    keras_name = "AveragePooling"
    keras_summary = "Average pooling whose means leave the padding out."
    keras_body = _PADDED_AVERAGE
    step_function = ("average_pool_steps", _AVERAGE_STEPS)
    step_body = _AVERAGE_BODY

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.AvgPool, or a function of its own for pads that PyTorch does not take.

        avg_pool3d refuses an axis shorter than the kernel even when padded.
        """
        if inputs[0].varies:
            return self._torch_steps(inputs[0])
        pads = self.pads_for(inputs[0])
        if self._fits_torch(pads) and (self.rank < 3 or not any(map(any, pads))):
            counted = False if any(map(any, pads)) else None
            init = self._torch_module("AvgPool", pads, count_include_pad=counted)
            return Code(init=init, call="{self}({0})", layout="channels_first")
        flat = tuple(amount for pair in reversed(pads) for amount in pair)
        name = f"average_pool{self.rank}d"
        return Code(
            call=call(name, "{0}", *self._sizes(), flat),
            layout="channels_first",
            helpers={name: _AVERAGE.format(rank=self.rank)},
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.AveragePooling, or a subclass for pads that it does not take.

        On PyTorch, Keras repeats the edge where “same” pads are uneven.
        """
        if inputs[0].varies:
            return self._keras_steps(inputs[0])
        pads = self.pads_for(inputs[0])
        is_even = self.padding == "same" and all(before == after for before, after in pads)
        return self._keras_pool(pads, is_even or not any(map(any, pads)))


class MaxPool1D(_MaxPool, frozen=True, kw_only=True):
    """Largest value of each window along time."""

    id = "MaxPool1D"
    title = "Max pool 1D"
    help = "Keeps the largest value of each window along a sequence."
    keywords = ("subsampling", "downsample", "sequence")
    rank = 1

    pool_size: Annotated[Size, _POOL] = 2
    stride: Annotated[Size | None, _STRIDE] = None
    pads: Annotated[Pair, _PADS] = (0, 0)


class MaxPool2D(_MaxPool, frozen=True, kw_only=True):
    """Largest value of each window of a picture."""

    id = "MaxPool2D"
    title = "Max pool"
    help = "Keeps the largest value of each window of a picture, so that it becomes smaller."
    keywords = ("subsampling", "downsample", "maxpool")
    rank = 2

    pool_size: Annotated[tuple[Size, Size], _POOL] = (2, 2)
    stride: Annotated[tuple[Size, Size] | None, _STRIDE] = None
    pads: Annotated[tuple[Pair, Pair], _PADS] = ((0, 0), (0, 0))


class MaxPool3D(_MaxPool, frozen=True, kw_only=True):
    """Largest value of each window of a volume."""

    id = "MaxPool3D"
    title = "Max pool 3D"
    help = "Keeps the largest value of each window of a volume or a video."
    keywords = ("subsampling", "downsample", "volume")
    rank = 3

    pool_size: Annotated[tuple[Size, Size, Size], _POOL] = (2, 2, 2)
    stride: Annotated[tuple[Size, Size, Size] | None, _STRIDE] = None
    pads: Annotated[tuple[Pair, Pair, Pair], _PADS] = ((0, 0), (0, 0), (0, 0))


class AveragePool1D(_AveragePool, frozen=True, kw_only=True):
    """Mean of each window along time."""

    id = "AveragePool1D"
    title = "Average pool 1D"
    help = "Takes the mean of each window along a sequence; padding does not count."
    keywords = ("subsampling", "downsample", "mean", "sequence")
    rank = 1

    pool_size: Annotated[Size, _POOL] = 2
    stride: Annotated[Size | None, _STRIDE] = None
    pads: Annotated[Pair, _PADS] = (0, 0)


class AveragePool2D(_AveragePool, frozen=True, kw_only=True):
    """Mean of each window of a picture."""

    id = "AveragePool2D"
    title = "Average pool"
    help = "Takes the mean of each window of a picture; padding does not count."
    keywords = ("subsampling", "downsample", "mean")
    rank = 2

    pool_size: Annotated[tuple[Size, Size], _POOL] = (2, 2)
    stride: Annotated[tuple[Size, Size] | None, _STRIDE] = None
    pads: Annotated[tuple[Pair, Pair], _PADS] = ((0, 0), (0, 0))


class AveragePool3D(_AveragePool, frozen=True, kw_only=True):
    """Mean of each window of a volume."""

    id = "AveragePool3D"
    title = "Average pool 3D"
    help = "Takes the mean of each window of a volume or a video; padding does not count."
    keywords = ("subsampling", "downsample", "mean", "volume")
    rank = 3

    pool_size: Annotated[tuple[Size, Size, Size], _POOL] = (2, 2, 2)
    stride: Annotated[tuple[Size, Size, Size] | None, _STRIDE] = None
    pads: Annotated[tuple[Pair, Pair, Pair], _PADS] = ((0, 0), (0, 0), (0, 0))
