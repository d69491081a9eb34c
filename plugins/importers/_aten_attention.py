"""Multi-head attention that was found in a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugins.importers._aten import Call, Walk

PARTS = ("query", "key", "value")


def attention(walk: Walk, call: Call) -> Value:
    """Add MultiHeadAttention; the rows of its kernels are put together by heads."""
    x, context = (call.settled(call[name], any_batch=True) for name in ("x", "context"))
    if x.rank != 2 or not all(isinstance(call[f"{name}_weight"], Array) for name in PARTS):
        raise NotCoveredError(f"{call.where} attends in a way that no layer here does.")
    x = walk.ordered(call, x, (0, 1))
    context = walk.ordered(call, context, (0, 1))
    rows, columns = call["rows"], call["columns"]
    heads, size = len(rows[0]), len(rows[0][0])
    features = x.shape[-1]
    biases = [call[f"{name}_bias"] for name in (*PARTS, "output")]
    has_bias = any(bias is not None for bias in biases)
    factors = (call["scale"], 1.0, call["value_scale"])
    weights: dict[str, Any] = {}
    for name, own, factor in zip(PARTS, rows, factors, strict=True):
        weight, bias = call[f"{name}_weight"].tensor, call[f"{name}_bias"]
        kernel = _rows(weight, own).permute(2, 0, 1)
        weights[f"{name}_kernel"] = kernel * factor if factor != 1 else kernel
        if has_bias:
            found = kernel.new_zeros(heads, size) if bias is None else _rows(bias.tensor, own)
            weights[f"{name}_bias"] = found * factor if factor != 1 else found
    output = call["output_weight"].tensor
    weights["output_kernel"] = _rows(output.T, columns)
    if has_bias:
        bias = biases[-1]
        weights["output_bias"] = output.new_zeros(len(output)) if bias is None else bias.tensor
    params = {
        "heads": heads,
        **({"key_size": size} if size * heads != features else {}),
        **({"causal": True} if call["causal"] else {}),
        **({} if has_bias else {"use_bias": False}),
    }
    given = [call[f"{name}_weight"] for name in (*PARTS, "output")] + biases
    arrays = [replace(array, is_computed=True) for array in given if array is not None]
    inputs = [x] if x.node == context.node else [x, context]
    node = walk.node(call, "MultiHeadAttention", inputs, params, weights=weights, arrays=arrays)
    return replace(x, node=node)


def native(walk: Walk, call: Call) -> list[Any]:
    """Add what PyTorch's fast path for nn.MultiheadAttention is; its weights are three in one."""
    if call["mask"] is not None or (call["need_weights"] and len(call.users) > 1):
        raise NotCoveredError(f"{call.where} attends under a mask, which no layer here does.")
    heads, features = call["num_head"], call["embed_dim"]
    size = features // heads
    arguments = {"x": call["query"], "context": call["key"], "causal": False, "scale": 1.0}
    rows = [
        [[part * features + head * size + i for i in range(size)] for head in range(heads)]
        for part in range(3)
    ]
    arguments |= {"rows": rows, "columns": rows[0], "value_scale": 1.0}
    for name in PARTS:
        arguments |= {f"{name}_weight": call["qkv_weight"], f"{name}_bias": call["qkv_bias"]}
    arguments |= {"output_weight": call["proj_weight"], "output_bias": call["proj_bias"]}
    return [attention(walk, replace(call, arguments=arguments)), None]


def _rows(tensor: Any, places: Sequence[Sequence[int]]) -> Any:
    """Return rows of a tensor, gathered by head and feature."""
    flat = [place for head in places for place in head]
    return tensor[flat].reshape(len(places), -1, *tensor.shape[1:])
