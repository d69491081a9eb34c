"""What the nodes of an ONNX graph and their weights are called, for a person."""

from __future__ import annotations

import re
from typing import Any

ROLES = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm"), ("", "weight", "bias")),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), ("", "kernel", "recurrent", "bias")),
    "BatchNormalization": ("", "weight", "bias", "mean", "variance"),
    "InstanceNormalization": ("", "weight", "bias"),
    "GroupNormalization": ("", "weight", "bias"),
    "LayerNormalization": ("", "weight", "bias"),
    "SkipLayerNormalization": ("", "", "weight", "bias", "shift"),
    "MatMul": ("weight", "weight"),
    "Add": ("shift", "shift"),
    "Sub": ("shift", "shift"),
    "Mul": ("scale", "scale"),
    "Div": ("scale", "scale"),
    "PRelu": ("", "slope"),
    "Gather": ("rows", ""),
}
"""What weights are called by the place at which an operation takes them."""


def readable(node: Any, *, has_weights: bool) -> str:
    """Return a node's name without what its exporter puts around it.

    PyTorch writes "/layer1/layer1.0/conv1/Conv", TensorFlow "net_1/conv2d_1/Conv2D".
    """
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.op_type).lower()
    scopes = [part for part in node.name.split("/") if part and ":" not in part]
    scopes = [part for part in scopes if not part.startswith("StatefulPartitionedCall")]
    if len(scopes) > 1:
        *scopes, last = scopes
        is_told = kind.replace("_", "") in scopes[-1].lower().replace("_", "")
        if not has_weights and not is_told:
            scopes.append(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).lower())
    kept = [
        part
        for part, after in zip(scopes, [*scopes[1:], ""], strict=False)
        if not after.startswith(f"{part}.")
    ]
    name = re.sub(r"^node_", "", ".".join(kept[-3:]))
    return name if re.search("[A-Za-z]", name) else kind
