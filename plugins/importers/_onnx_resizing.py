"""What Resize and Upsample of ONNX are in PyTorch.

Definition: https://onnx.ai/onnx/operators/onnx__Resize.html.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from plugins.importers._onnx_step import Step


def resize(step: Step, x: Any, *_: Any) -> Any:
    """Return Resize or Upsample of space, by nearest or linear values.

    Raises:
        NotCoveredError: values between the old ones are found in a way that no layer knows.
    """
    index = 1 if step.kind == "Upsample" or step.opset < 11 else 2
    scales, sizes = step.known[index] if index < len(step.known) else None, step.ints("sizes", 3)
    if step.get("scales") is not None:
        scales = np.asarray(step.get("scales"))
    axes = step.get("axes") or list(range(x.dim()))
    if sizes and (scales is None or not scales.size):
        lengths = dict(zip(axes, sizes, strict=True))
    elif scales is not None and scales.size:
        lengths = {a: math.floor(x.shape[a] * s + 1e-6) for a, s in zip(axes, scales, strict=True)}
    else:
        raise step.refuse("brings pictures to a size that depends on the samples")
    wanted = [lengths.get(axis, x.shape[axis]) for axis in range(x.dim())]
    if wanted[1:2] != [x.shape[1]] and wanted[-1] == x.shape[-1]:  # channels last
        order = [0, x.dim() - 1, *range(1, x.dim() - 1)]
        back = [0, *range(2, x.dim()), 1]
        return _resized(step, x.permute(order), wanted[1:-1]).permute(back)
    if wanted[1] != x.shape[1]:
        raise step.refuse("resizes channels")
    return _resized(step, x, wanted[2:])


def _resized(step: Step, x: Any, size: list[int]) -> Any:
    if list(x.shape[2:]) == size:
        return x
    mode = step.get("mode", "nearest")
    is_old = step.kind == "Upsample" or step.opset < 11
    rule = "asymmetric" if is_old else step.get("coordinate_transformation_mode", "half_pixel")
    is_whole = all(new % old == 0 for new, old in zip(size, x.shape[2:], strict=True))
    if mode == "nearest":
        rounding = step.get("nearest_mode", "floor" if is_old else "round_prefer_floor")
        is_plain = rule == "asymmetric" and rounding == "floor"
        if is_plain or (is_whole and rounding in _SAME_WHEN_WHOLE.get(rule, ())):
            return step.F.interpolate(x, size)
        if rule in ("half_pixel", "pytorch_half_pixel"):
            return step.F.interpolate(x, size, mode="nearest-exact")
        raise step.refuse(f"takes the nearest value by “{rule}” and “{rounding}”")
    if mode not in ("linear", "bilinear") or step.get("antialias", 0):
        raise step.refuse(f"resizes by “{mode}”")
    name = {3: "linear", 4: "bilinear", 5: "trilinear"}[x.dim()]
    if rule == "align_corners":
        return step.F.interpolate(x, size, mode=name, align_corners=True)
    if rule in ("half_pixel", "pytorch_half_pixel") and (rule == "half_pixel" or min(size) > 1):
        return step.F.interpolate(x, size, mode=name, align_corners=False)
    raise step.refuse(f"resizes by “{rule}”")


_SAME_WHEN_WHOLE = {
    "asymmetric": ("floor",),
    "half_pixel": ("round_prefer_floor", "round_prefer_ceil", "floor"),
    "pytorch_half_pixel": ("round_prefer_floor", "round_prefer_ceil"),
}
