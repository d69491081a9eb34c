"""Arithmetic of kernels that slide along axes: pads, output lengths, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from workbench.plugin_api.code import Lengths
from workbench.plugin_api.layer import Layer, need_known, need_rank
from workbench.plugin_api.parameters import Pair
from workbench.plugin_api.tensors import ShapeError, TensorType, default_axes

Padding = Literal["valid", "same", "explicit", "causal"]
T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """A kernel along one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Length that the kernel covers, gaps of the dilation included."""
        return (self.kernel - 1) * self.dilation + 1

    def same_pads(self, length: int) -> Pair:
        """Return TensorFlow's pads: output = ceil(length / stride), the odd one on the right."""
        positions = -(-length // self.stride)
        total = max((positions - 1) * self.stride + self.reach - length, 0)
        return total // 2, total - total // 2

    def ragged_pads(self, padding: Padding, explicit: Pair) -> Pair:
        """Return pads for samples that differ in length, whatever they are padded to.

        Those in front must not depend on the length: “same” takes it for a multiple of the stride.
        Those behind leave each step a window, so that no sample is too short.
        """
        fronts = {
            "valid": 0,
            "same": max(self.reach - self.stride, 0) // 2,
            "causal": self.reach - 1,
            "explicit": explicit[0],
        }
        front = fronts[padding]
        behind = max(self.reach - 1 - front, 0)
        return front, max(behind, explicit[1]) if padding == "explicit" else behind

    def lengths(self, padding: Padding, explicit: Pair) -> Lengths | None:
        """Return how the number of real steps changes; None where it does not."""
        if padding in ("same", "causal"):
            return None if self.stride == 1 else Lengths(self.stride - 1, self.stride)
        added = sum(explicit) if padding == "explicit" else 0
        return Lengths(added - self.reach + self.stride, self.stride)

    def positions(self, length: int, pads: Pair) -> int:
        """Return the output's length; 0 or less when the kernel is longer than the input."""
        return (length + sum(pads) - self.reach) // self.stride + 1


def per_axis(value: T | tuple[T, ...]) -> tuple[T, ...]:
    """Return a setting as one value an axis; a 1D layer has it bare."""
    return value if isinstance(value, tuple) else (value,)


def pads_per_axis(pads: Pair | tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Return explicit pads as one pair an axis; a 1D layer has the pair bare."""
    return (pads,) if isinstance(pads[0], int) else pads  # type: ignore[return-value]


def need_space(layer: Layer, tensor: TensorType, rank: int, *, may_vary: bool = False) -> None:
    """Raise a ShapeError unless the tensor has `rank` spatial axes of known size and channels.

    Args:
        may_vary: whether samples may differ in length.
    """
    if tensor.rank < 2:
        hint = "Add Reshape, or remove Flatten before it."
    else:
        hint = f"Use the {tensor.rank - 1}D kind of this layer, or add Reshape before it."
    need_rank(layer, tensor, rank + 1, " × ".join(default_axes(rank + 1)), hint)
    if not (may_vary and tensor.varies and tensor.shape[-1] is not None):
        need_known(layer, tensor)


def resolve_pads(
    tensor: TensorType, windows: Sequence[Window], padding: Padding, explicit: Sequence[Pair]
) -> tuple[Pair, ...]:
    """Return the pads (before, after) along each spatial axis."""
    if tensor.varies:
        pairs = zip(windows, explicit, strict=True)
        return tuple(window.ragged_pads(padding, pair) for window, pair in pairs)
    if padding == "causal":
        return tuple((window.reach - 1, 0) for window in windows)
    if padding == "same":
        return tuple(
            window.same_pads(length)
            for window, length in zip(windows, tensor.shape[:-1], strict=True)
        )
    return tuple(explicit) if padding == "explicit" else ((0, 0),) * len(windows)


def slide(
    layer: Layer, tensor: TensorType, windows: Sequence[Window], pads: Sequence[Pair]
) -> tuple[int | None, ...]:
    """Return the output's length along each spatial axis; None where it varies.

    Raises:
        ShapeError: a kernel is longer than the padded input.
    """
    if tensor.varies:
        return (None,)
    lengths = []
    for axis, length, window, pair in zip(
        tensor.axes, tensor.shape[:-1], windows, pads, strict=False
    ):
        positions = window.positions(length, pair)
        if positions < 1:
            raise ShapeError(
                f"{layer.title} covers {window.reach} along {axis}, but the input has only "
                f"{length + sum(pair)} there{', padding included' if any(pair) else ''}.",
                "Make the kernel smaller, use “same” padding, or shrink the input less before it.",
            )
        lengths.append(positions)
    return tuple(lengths)


def refuse_stride_with_dilation(layer: Layer, windows: Sequence[Window]) -> None:
    """Raise a ShapeError for a combination that Keras cannot run."""
    if any(w.stride > 1 for w in windows) and any(w.dilation > 1 for w in windows):
        raise ShapeError(
            f"{layer.title} cannot have a stride and a dilation above 1 at once.",
            "Set one of them to 1, or put the stride into a pooling layer after it.",
        )


def times(values: Sequence[int]) -> str:
    """Return sizes for a node's summary, "3×3"."""
    return "×".join(map(str, values))


def stride_words(values: Sequence[int]) -> str:
    """Return "stride 2" or "stride 2×1"; empty where every stride is 1."""
    if set(values) == {1}:
        return ""
    return f"stride {values[0] if len(set(values)) == 1 else times(values)}"
