"""The layers' arithmetic written out in NumPy, slowly and without a framework."""

from __future__ import annotations

import itertools

import numpy as np


def same_pads(length, kernel, stride, dilation=1):
    """TensorFlow's rule: ceil(length / stride) outputs, the odd zero behind."""
    total = max((-(-length // stride) - 1) * stride + (kernel - 1) * dilation + 1 - length, 0)
    return total // 2, total - total // 2


def windows(x, kernel, steps, fill=0.0):
    """Yield (output position, values N × k… × C) of an array N × space × C.

    Args:
        steps: stride, dilation and pads, each one item an axis.
    """
    stride, dilation, pads = steps
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    axes = list(zip(x.shape[1:-1], kernel, stride, dilation, strict=True))
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes]
    for place in itertools.product(*(range(count) for count in counts)):
        steps = zip(place, axes, strict=True)
        index = tuple(slice(p * s, p * s + (k - 1) * d + 1, d) for p, (_, k, s, d) in steps)
        yield place, x[(slice(None), *index)]


def convolution(x, kernel, bias, steps, groups=1):
    """Cross-correlate N × space × C with (k…, C / groups, filters)."""
    *size, _, filters = kernel.shape
    found = {}
    for place, values in windows(x, size, steps):
        parts = zip(
            np.split(values, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True
        )
        columns = [v.reshape(len(v), -1) @ k.reshape(-1, filters // groups) for v, k in parts]
        found[place] = np.concatenate(columns, axis=-1) + bias
    return gathered(found)


def depthwise(x, kernel, bias, steps):
    """Filter each channel with its own (k…, multiplier) of (k…, C, multiplier)."""
    *size, channels, multiplier = kernel.shape
    flat = kernel.reshape(-1, channels, multiplier)
    found = {
        place: np.einsum("nkc,kcm->ncm", v.reshape(len(v), -1, channels), flat).reshape(len(v), -1)
        for place, v in windows(x, size, steps)
    }
    return gathered(found) + bias


def pooling(x, kernel, stride, pads, average):
    """Reduce windows; padding counts for nothing."""
    ones = (1,) * len(kernel)
    reduce = np.nanmean if average else np.nanmax
    axes = tuple(range(1, len(kernel) + 1))
    found = {
        place: reduce(values, axis=axes)
        for place, values in windows(x, kernel, (stride, ones, pads), fill=np.nan)
    }
    return gathered(found)


def transposed(x, kernel, bias, steps, padding):
    """Scatter N × space × C by (k…, filters, C); crop or extend as TensorFlow does."""
    stride, dilation = steps
    *size, filters, _ = kernel.shape
    space = x.shape[1:-1]
    axes = list(zip(space, size, stride, dilation, strict=True))
    full = [(n - 1) * s + (k - 1) * d + 1 for n, k, s, d in axes]
    out = np.zeros((len(x), *full, filters))
    for place in itertools.product(*(range(n) for n in space)):
        for offset in itertools.product(*(range(k) for k in size)):
            target = tuple(
                p * s + o * d for p, o, (_, _, s, d) in zip(place, offset, axes, strict=True)
            )
            out[(slice(None), *target)] += x[(slice(None), *place)] @ kernel[offset].T
    for axis, (n, k, s, d) in enumerate(axes, start=1):
        reach = (k - 1) * d + 1
        wanted = n * s if padding == "same" else (n - 1) * s + max(reach, s)
        extra = max(wanted - out.shape[axis], 0)
        out = np.pad(out, [(0, extra if a == axis else 0) for a in range(out.ndim)])
        start = (out.shape[axis] - wanted) // 2
        out = np.take(out, range(start, start + wanted), axis=axis)
    return out + bias


def gathered(found):
    """Put values by position into one array N × space × C."""
    counts = [max(place) + 1 for place in zip(*found, strict=True)]
    first = next(iter(found.values()))
    out = np.empty((len(first), *counts, first.shape[-1]))
    for place, value in found.items():
        out[(slice(None), *place)] = value
    return out


def normalised(x, axes, epsilon):
    """Mean 0 and (biased) variance 1 over axes."""
    mean = x.mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)
