"""Layers of Keras that read texts and series: embeddings, recurrent layers, attention."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._keras_settings import function_name
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.importers._keras_graph import KerasWalk, Step
    from plugins.importers._keras_layers import Handler

RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_MERGES = {"concat": "concat", "sum": "sum", "mul": "multiply", "ave": "average"}
_STEPWISE = ("Dense", "Activation", "Dropout", "LayerNormalization", "ReLU", "Softmax")
"""Layers that work on the last axis, so that steps make no difference to them."""
_PICTURES = (
    *("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"),
)
"""Layers that there is a kind of here for the pictures of a film."""


def embedding(walk: KerasWalk, step: Step) -> str:
    """Add Embedding; what it masks is not looked at where samples have their own lengths."""
    layer = step.operation
    if step.inputs[0] == walk.start:
        walk.vocabulary = int(layer.input_dim)
    walk.masks = walk.masks or bool(layer.mask_zero)
    params = {"vocabulary": layer.input_dim, "features": layer.output_dim}
    params |= {} if layer.mask_zero else {"padding_id": None}
    return walk.node(step, "Embedding", params, weights={"embeddings": layer.embeddings})


def recurrent(walk: KerasWalk, step: Step) -> str:
    """Add a recurrent layer of one direction."""
    layer = step.operation
    if layer.go_backwards and layer.return_sequences:
        raise NotCoveredError(f"{step.where} gives its steps in the reverse order.")
    params, weights = _parts(walk, step, layer, "")
    if layer.go_backwards:
        params["direction"] = "backward"
    return walk.node(step, type(layer).__name__, params, weights=weights)


def bidirectional(walk: KerasWalk, step: Step) -> str:
    """Add a recurrent layer that reads both ways."""
    both = step.operation
    ahead, back = both.forward_layer, both.backward_layer
    kind = type(ahead).__name__
    is_same = type(back).__name__ == kind and back.units == ahead.units
    if kind not in RECURRENT or not is_same or both.merge_mode not in _MERGES:
        raise NotCoveredError(f"{step.where} joins layers or results as no layer here does.")
    params, weights = _parts(walk, step, ahead, "forward_")
    weights |= _parts(walk, step, back, "backward_")[1]
    params |= {"direction": "both"}
    params |= {} if both.merge_mode == "concat" else {"merge": _MERGES[both.merge_mode]}
    return walk.node(step, kind, params, weights=weights)


def _parts(
    walk: KerasWalk, step: Step, layer: Any, prefix: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return settings and weights of one direction; raises NotCoveredError."""
    kind, cell = type(layer).__name__, layer.cell
    if layer.stateful or layer.return_state or len(step.inputs) > 1:
        raise NotCoveredError(f"{step.where} is given its state, or gives it on.")
    activation = function_name(layer.activation)
    gates = function_name(getattr(layer, "recurrent_activation", None))
    allowed = ("tanh", "relu") if kind == "SimpleRNN" else ("tanh",)
    if activation not in allowed or (kind != "SimpleRNN" and gates != "sigmoid"):
        raise NotCoveredError(f"{step.where} uses {activation} and {gates}, which none here does.")
    if kind == "GRU" and not layer.reset_after:
        raise NotCoveredError(
            f"{step.where} resets its state before the product, as Keras did before version 2.4."
        )
    if layer.dropout or layer.recurrent_dropout:
        walk.changed.append(
            f"{step.name} left out inputs or states while it was trained; here it does not."
        )
    params: dict[str, Any] = {"units": layer.units}
    params |= {"sequences": True} if layer.return_sequences else {}
    params |= {} if layer.use_bias else {"use_bias": False}
    params |= {"activation": activation} if activation != "tanh" else {}
    weights = {
        f"{prefix}kernel": cell.kernel,
        f"{prefix}recurrent_kernel": cell.recurrent_kernel,
        **({f"{prefix}bias": cell.bias} if layer.use_bias else {}),
    }
    return params, weights


def attention(walk: KerasWalk, step: Step) -> str:
    """Add MultiHeadAttention, of steps to themselves or to a second input."""
    layer = step.operation
    query, *others = step.inputs
    context = others[0] if others else query
    is_odd = (
        len(others) > 2
        or any(other != context for other in others)
        or layer._value_dim != layer._key_dim
        or getattr(layer, "_use_gate", False)
        or tuple(layer._attention_axes or (1,)) != (1,)
        or layer._output_dense.kernel.shape[-1] != step.shapes[0][-1]
        or step.options.get("return_attention_scores")
    )
    if is_odd or any(key.endswith("mask") and key != "use_causal_mask" for key in step.options):
        raise NotCoveredError(f"{step.where} attends in a way that no layer here does.")
    params: dict[str, Any] = {"heads": layer._num_heads, "key_size": layer._key_dim}
    params |= {} if layer._use_bias else {"use_bias": False}
    params |= {"causal": True} if step.options.get("use_causal_mask") else {}
    params |= {"attention_dropout": float(layer._dropout)} if layer._dropout else {}
    weights: dict[str, Any] = {}
    for part in ("query", "key", "value", "output"):
        dense = getattr(layer, f"_{part}_dense")
        weights[f"{part}_kernel"] = dense.kernel
        if layer._use_bias:
            weights[f"{part}_bias"] = dense.bias
    inputs = (query,) if context == query else (query, context)
    return walk.node(step, "MultiHeadAttention", params, weights=weights, inputs=inputs)


def each_step(walk: KerasWalk, step: Step) -> str:
    """Add what TimeDistributed wraps: the layer itself, or its kind for the pictures of a film."""
    from plugins.importers._keras_layers import LAYERS

    inner = step.operation.layer
    kind = type(inner).__name__
    is_picture = kind in _PICTURES and len(step.shapes[0]) == 4
    if kind not in _STEPWISE and not is_picture:
        raise NotCoveredError(
            f"{step.where} applies {kind} to each step, for which there is no layer here."
        )
    inside = replace(
        step,
        operation=inner,
        kind=kind,
        shapes=(step.shapes[0][1:],) if is_picture else step.shapes,
        prefix="TimeDistributed" if is_picture else "",
        called=step.name,
    )
    return LAYERS[kind](walk, inside)


SEQUENCES: Mapping[str, Handler] = {
    "Embedding": embedding,
    **dict.fromkeys(RECURRENT, recurrent),
    "Bidirectional": bidirectional,
    "MultiHeadAttention": attention,
    "TimeDistributed": each_step,
}
