"""What recurrent layers and attention of ONNX are in PyTorch.

Definitions: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.importers._onnx_step import Step

_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where PyTorch's gates are among ONNX' ones: i f c o of i o f c; r z h of z r h."""
_ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


def recurrent(step: Step, x: Any, w: Any, r: Any, b: Any = None, *_: Any) -> Any:
    """Return LSTM, GRU or RNN: all steps, the last state and for LSTM the last cell."""
    from torch import _VF, zeros

    kind = _check(step)
    if step.get("layout", 0):
        x = x.transpose(0, 1)
    directions, units = r.shape[0], r.shape[2]
    weights = []
    for index in range(directions):
        own = [_gates(kind, w[index]), _gates(kind, r[index])]
        if b is not None:
            own += [_gates(kind, half) for half in b[index].chunk(2)]
        weights += own
    is_backward = step.get("direction", "forward") == "reverse"
    x = x.flip(0) if is_backward else x
    start = zeros(directions, x.shape[1], units, device=x.device)
    rest = (weights, b is not None, 1, 0.0, False, directions == 2, False)
    name = kind.lower() if kind != "RNN" else f"rnn_{_nonlinearity(step)}"
    given = (start, start) if kind == "LSTM" else start
    found, *states = getattr(_VF, name)(x, given, *rest)
    found = found.flip(0) if is_backward else found
    found = found.reshape(*found.shape[:2], directions, units).permute(0, 2, 1, 3)
    if step.get("layout", 0):
        found = found.permute(2, 0, 1, 3)
        states = [state.transpose(0, 1) for state in states]
    return (found, *states)


def _gates(kind: str, rows: Any) -> Any:
    """Return the rows with the gates in PyTorch's order."""
    from torch import cat

    order = _ORDERS[kind]
    parts = rows.chunk(len(order))
    return rows if len(order) == 1 else cat([parts[place] for place in order])


def _check(step: Step) -> str:
    """Return the kind; raises NotCoveredError for what PyTorch's kernels do otherwise."""
    kind = step.kind
    expected = _ACTIVATIONS[kind] * (2 if step.get("direction") == "bidirectional" else 1)
    given = [name.capitalize() for name in step.get("activations") or expected]
    if given != expected and not (kind == "RNN" and set(given) == {"Relu"}):
        raise step.refuse(f"has the activations {', '.join(given)}")
    if step.get("clip") is not None or step.get("input_forget", 0):
        raise step.refuse("bounds its gates, or couples them")
    if kind == "GRU" and not step.get("linear_before_reset", 0):
        raise step.refuse("resets its state before the product, as the first GRU did,")
    known = [*step.known, *[None] * 8]
    if kind == "LSTM" and known[7] is not None and known[7].any():
        raise step.refuse("has peepholes")
    for state in step.states:
        if state is None or state.any():
            raise step.refuse("begins with a state of its own")
    return kind


def _nonlinearity(step: Step) -> str:
    given = step.get("activations") or ["Tanh"]
    return str(given[0]).lower()


RECURRENT: Mapping[str, Callable[..., Any]] = dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent)
