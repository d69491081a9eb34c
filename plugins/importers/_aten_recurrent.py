"""LSTM, GRU and plain recurrent layers, which PyTorch keeps whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugins.importers._aten import Call, Walk

_GATES = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}
"""Which of PyTorch's gates comes at each place here."""


def recurrent(kind: str, activation: str = "") -> Callable[[Walk, Call], list[Any]]:
    """Return the handler of a recurrent layer: its steps, its last state, and its cell."""

    def handle(walk: Walk, call: Call) -> list[Any]:
        if "data" in call.arguments:
            raise NotCoveredError(f"{call.where} takes samples that differ in length.")
        value = call.settled(call["input"], any_batch=True, any_direction=True)
        batch = 0 if call["batch_first"] else 1
        if value.rank != 2 or value.batch != batch:
            raise NotCoveredError(f"{call.where} reads its samples one after the other.")
        value = walk.ordered(call, value, (0, 1))
        states = call.arguments.get("hx")
        for state in states if isinstance(states, list | tuple) else [states]:
            if not isinstance(state, Array) or state.tensor.any():
                raise NotCoveredError(f"{call.where} begins with a state of its own.")
        given = _weights(call, kind)
        params: dict[str, Any] = {"units": call["params"][1].tensor.shape[1]}
        if call["bidirectional"]:
            params["direction"] = "both"
        elif value.is_turned:
            params["direction"] = "backward"
        params |= {"layers": call["num_layers"]} if call["num_layers"] > 1 else {}
        params |= {"dropout": float(call["dropout"])} if call["dropout"] else {}
        params |= {} if call["has_biases"] else {"use_bias": False}
        params |= {"activation": activation} if activation else {}
        layer = _Layer(walk, call, kind, value, params, *given)
        return [layer.steps, layer.state, layer.cell]

    return handle


@dataclass(frozen=True)
class _Layer:
    """A recurrent layer that is added when its results are used."""

    walk: Walk
    call: Call
    kind: str
    value: Value
    params: Mapping[str, Any]
    weights: Mapping[str, Any]
    arrays: Sequence[Array]

    @cached_property
    def all_steps(self) -> Value:
        params = {**self.params, "sequences": True}
        given = {"weights": self.weights, "arrays": self.arrays}
        node = self.walk.node(self.call, self.kind, [self.value], params, **given)
        width = params["units"] * (2 if params.get("direction") == "both" else 1)
        return replace(self.value, node=node, shape=(self.value.shape[0], width))

    def steps(self) -> Value:
        """Return the state at each step."""
        return self.all_steps

    def state(self) -> Value:
        """Add what takes the last state out of all steps."""
        steps = self.all_steps
        if self.params.get("layers", 1) > 1 or self.params.get("direction") == "both":
            raise NotCoveredError(
                f"{self.call.where} gives the last states of several layers or directions, which "
                "no layer here does."
            )
        places = {"stop": 1} if steps.is_turned else {"start": steps.shape[0] - 1}
        params = {"axis": 1, **{key: place for key, place in places.items() if place}}
        node = self.walk.node(self.call, "Slice", [steps], params, name="last")
        return Value(node, (1, steps.shape[1]), (0, 1), batch=1)

    def cell(self) -> Value:
        """Refuse: layers here keep their cell to themselves."""
        raise NotCoveredError(f"{self.call.where} gives its cell, which no layer here does.")


def _weights(call: Call, kind: str) -> tuple[dict[str, Any], list[Array]]:
    """Return the canonical weights, and what they were made of."""
    each = 4 if call["has_biases"] else 2
    arrays = [replace(array, is_computed=True) for array in call["params"]]
    ways = ("forward_", "backward_") if call["bidirectional"] else ("",)
    found = {}
    for part in range(len(arrays) // each):
        layer, way = divmod(part, len(ways))
        end = f"_{layer + 1}" if layer else ""
        own = [_ordered(array.tensor, kind) for array in arrays[part * each : (part + 1) * each]]
        found[f"{ways[way]}kernel{end}"] = own[0].T
        found[f"{ways[way]}recurrent_kernel{end}"] = own[1].T
        if each == 4:
            both = own[2] + own[3]
            if kind == "GRU":
                both = own[2].new_empty(2, own[2].shape[0])
                both[0], both[1] = own[2], own[3]
            found[f"{ways[way]}bias{end}"] = both
    return found, arrays


def _ordered(rows: Any, kind: str) -> Any:
    """Return rows with the gates in the order that they have here."""
    order = _GATES[kind]
    parts = rows.chunk(len(order))
    joined = rows.clone()
    size = rows.shape[0] // len(order)
    for place, gate in enumerate(order):
        joined[place * size : (place + 1) * size] = parts[gate]
    return joined


RECURRENT: Mapping[str, Callable[[Walk, Call], Any]] = {
    "lstm": recurrent("LSTM"),
    "gru": recurrent("GRU"),
    "rnn_tanh": recurrent("SimpleRNN"),
    "rnn_relu": recurrent("SimpleRNN", "relu"),
}
