"""What convolutions, products, pools and normalisations of ONNX are in PyTorch.

Definitions: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.layers._windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugins.importers._onnx_step import Step

Pads = list[tuple[int, int]]


def convolution(step: Step, x: Any, weight: Any, bias: Any = None) -> Any:
    """Return Conv; uneven pads are put around the input before it."""
    rank = weight.dim() - 2
    stride, dilation = _each(step, "strides", rank), _each(step, "dilations", rank)
    windows = [Window(*axis) for axis in zip(weight.shape[2:], stride, dilation, strict=True)]
    x, pads = _padded(step, x, _pads(step, windows, x.shape[2:]), 0.0)
    function = getattr(step.F, f"conv{rank}d")
    return function(x, weight, bias, stride, pads, dilation, step.get("group", 1))


def transposed(step: Step, x: Any, weight: Any, bias: Any = None) -> Any:
    """Return ConvTranspose; what is cropped unevenly is cropped after it."""
    rank = weight.dim() - 2
    stride, dilation = _each(step, "strides", rank), _each(step, "dilations", rank)
    extra = step.get("output_padding", [0] * rank)
    reach = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
    sizes = step.get("output_shape")
    flat = step.get("pads", [0] * 2 * rank)
    pads = [(flat[i], flat[i + rank]) for i in range(rank)]
    kind = step.get("auto_pad", "NOTSET")
    if sizes or kind.startswith("SAME"):
        pads = []
        for axis in range(rank):
            length = x.shape[2 + axis]
            wanted = sizes[-rank:][axis] if sizes else length * stride[axis]
            total = (length - 1) * stride[axis] + extra[axis] + reach[axis] - wanted
            small, large = total // 2, total - total // 2
            pads.append((large, small) if kind == "SAME_LOWER" or sizes else (small, large))
    even = all(a == b >= 0 for a, b in pads)
    function = getattr(step.F, f"conv_transpose{rank}d")
    inside = [a for a, _ in pads] if even else [0] * rank
    y = function(x, weight, bias, stride, inside, extra, step.get("group", 1), dilation)
    if not even:
        for axis, (before, after) in enumerate(pads):
            y = y.narrow(2 + axis, before, y.shape[2 + axis] - before - after)
    return y


def gemm(step: Step, x: Any, weight: Any, bias: Any = None) -> Any:
    """Return alpha · A · B + beta · C, as a linear layer where A is not turned."""
    alpha, beta = step.get("alpha", 1.0), step.get("beta", 1.0)
    if step.get("transA", 0):
        x = x.transpose(0, 1)
    weight = weight if step.get("transB", 0) else weight.t()
    if alpha != 1:
        weight = weight * alpha
    if bias is not None and beta != 1:
        bias = bias * beta
    if bias is not None and bias.dim() != 1:
        bias = bias.reshape(-1) if bias.numel() == weight.shape[0] else bias
    if bias is not None and (bias.dim() != 1 or bias.shape[0] != weight.shape[0]):
        return step.F.linear(x, weight) + bias
    return step.F.linear(x, weight, bias)


def product(step: Step, x: Any, other: Any) -> Any:
    """Return MatMul; with a matrix of weights it is a linear layer."""
    is_matrix = other.dim() == 2 and len(step.known) > 1 and step.known[1] is not None
    return step.F.linear(x, other.t()) if is_matrix and x.dim() > 1 else x @ other


def batch_norm(step: Step, x: Any, scale: Any, bias: Any, *statistics: Any) -> Any:
    """Return BatchNormalization; ONNX' momentum is the weight of what was before."""
    if step.get("spatial", 1) == 0:
        raise step.refuse("normalises each place by itself")
    momentum = 1 - step.get("momentum", 0.9)
    epsilon = step.get("epsilon", 1e-5)
    return step.F.batch_norm(x, *statistics[:2], scale, bias, False, round(momentum, 6), epsilon)


def instance_norm(step: Step, x: Any, scale: Any, bias: Any) -> Any:
    """Return InstanceNormalization: a group for each channel."""
    return step.F.group_norm(x, x.shape[1], scale, bias, step.get("epsilon", 1e-5))


def group_norm(step: Step, x: Any, scale: Any, bias: Any) -> Any:
    """Return GroupNormalization, whose scale was one number a group before version 21."""
    groups = step.get("num_groups")
    if step.opset < 21 and scale.numel() == groups != x.shape[1]:
        each = x.shape[1] // groups
        scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return step.F.group_norm(x, groups, scale, bias, step.get("epsilon", 1e-5))


def layer_norm(step: Step, x: Any, scale: Any, bias: Any = None) -> Any:
    """Return LayerNormalization over the axes from `axis` on."""
    axis = step.get("axis", -1) % x.dim()
    shape = tuple(x.shape[axis:])
    scale = scale.expand(shape) if tuple(scale.shape) != shape else scale
    return step.F.layer_norm(x, shape, scale, bias, step.get("epsilon", 1e-5))


def added_layer_norm(step: Step, x: Any, other: Any, scale: Any, *rest: Any) -> tuple[Any, ...]:
    """Return onnxruntime's SkipLayerNormalization: of a sum, which it gives as well."""
    shift, bias = (*rest, None, None)[:2]
    total = x + other
    total = total if bias is None else total + bias
    shape = tuple(x.shape[-1:])
    normal = step.F.layer_norm(total, shape, scale, shift, step.get("epsilon", 1e-12))
    return normal, None, None, total


def rms_norm(step: Step, x: Any, scale: Any) -> Any:
    """Return RMSNormalization over the axes from `axis` on."""
    axis = step.get("axis", -1) % x.dim()
    return step.F.rms_norm(x, tuple(x.shape[axis:]), scale, step.get("epsilon", 1e-5))


def max_pool(step: Step, x: Any) -> Any:
    """Return MaxPool; uneven pads are minus infinity before it."""
    windows = _windows(step)
    pads = _pool_pads(step, windows, x)
    x, inside = _padded(step, x, pads, float("-inf"), windows)
    rank = len(windows)
    function = getattr(step.F, f"max_pool{rank}d")
    kernel, stride, gaps = ([getattr(w, name) for w in windows] for name in _SIZES)
    return function(x, kernel, stride, inside, gaps)


def average_pool(step: Step, x: Any) -> Any:
    """Return AveragePool; padding that counts is put before it as zeros.

    Uneven padding that does not count is NaN before it, which `constant_pad` knows as such: this
    is only ever traced.
    """
    windows = _windows(step)
    if any(window.dilation > 1 for window in windows):
        raise step.refuse("takes means with gaps")
    own, pads = _pads(step, windows, x.shape[2:]), _pool_pads(step, windows, x)
    kernel, stride = [w.kernel for w in windows], [w.stride for w in windows]
    function = getattr(step.F, f"avg_pool{len(windows)}d")
    if step.get("count_include_pad", 0) and any(map(any, own)):
        x = step.F.pad(x, _flat(own))
        pads = [(a - c, b - d) for (a, b), (c, d) in zip(pads, own, strict=True)]
    x, inside = _padded(step, x, pads, float("nan"), windows)
    return function(x, kernel, stride, inside, False, False)


_SIZES = ("kernel", "stride", "dilation")


def _windows(step: Step) -> list[Window]:
    size = step.get("kernel_shape")
    rank = len(size)
    stride, dilation = _each(step, "strides", rank), _each(step, "dilations", rank)
    return [Window(*axis) for axis in zip(size, stride, dilation, strict=True)]


def _each(step: Step, name: str, rank: int) -> list[int]:
    return list(step.get(name) or [1] * rank)


def _pads(step: Step, windows: Sequence[Window], lengths: Sequence[int]) -> Pads:
    """Return the zeros before and after each axis."""
    kind = step.get("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        found = [window.same_pads(n) for window, n in zip(windows, lengths, strict=True)]
        return [pair[::-1] for pair in found] if kind == "SAME_LOWER" else found
    flat = step.get("pads")
    if kind == "VALID" or not flat:
        return [(0, 0)] * len(windows)
    return [(flat[i], flat[i + len(windows)]) for i in range(len(windows))]


def _pool_pads(step: Step, windows: Sequence[Window], x: Any) -> Pads:
    """Return the pads, with room behind for the last window where the size is rounded up."""
    pads = _pads(step, windows, x.shape[2:])
    if not step.get("ceil_mode", 0):
        return pads
    found = []
    for window, length, (before, after) in zip(windows, x.shape[2:], pads, strict=True):
        span = length + before + after - window.reach
        positions = -(-span // window.stride) + 1
        if (positions - 1) * window.stride >= length + before:
            positions -= 1  # a window must not begin in the padding behind
        missing = (positions - 1) * window.stride - span
        found.append((before, after + max(missing, 0)))
    return found


def _padded(
    step: Step, x: Any, pads: Pads, filling: float, windows: Sequence[Window] = ()
) -> tuple[Any, list[int]]:
    """Return the input with uneven pads around it, and the even ones that are left to do."""
    is_small = not windows or all(
        a <= w.kernel // 2 for (a, _), w in zip(pads, windows, strict=True)
    )
    if is_small and all(a == b >= 0 for a, b in pads):
        return x, [a for a, _ in pads]
    return step.F.pad(x, _flat(pads), value=filling), [0] * len(pads)


def _flat(pads: Pads) -> list[int]:
    return [amount for pair in reversed(pads) for amount in pair]


KERNELS: Mapping[str, Callable[..., Any]] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Gemm": gemm,
    "MatMul": product,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "SkipLayerNormalization": added_layer_norm,
    "RMSNormalization": rms_norm,
    "SimplifiedLayerNormalization": rms_norm,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": lambda step, x: x.mean(tuple(range(2, x.dim())), keepdim=True),
    "GlobalMaxPool": lambda step, x: x.amax(tuple(range(2, x.dim())), keepdim=True),
}
