"""Keeps recurrent layers whole while PyTorch exports a network; else it unrolls their steps.

An unrolled graph takes no other length than the example's. PyTorch 2.15 brings loops for LSTM and
GRU (torch.export._patches); whole operators are quicker, and ONNX has them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_OPERATORS = ("lstm", "gru", "rnn_tanh", "rnn_relu")


@contextlib.contextmanager
def kept_whole() -> Iterator[None]:
    """Let what traces a network ask recurrent operators for the shapes of their results alone."""
    from unittest.mock import patch  # takes asyncio along, which no window needs

    import torch
    from torch._decomp import decomposition_table

    operators = [getattr(torch.ops.aten, name).input for name in _OPERATORS]
    composite = torch._C.DispatchKey.CompositeImplicitAutograd
    with contextlib.ExitStack() as stack:
        table: Any = dict.fromkeys(operators, _shapes)
        stack.enter_context(patch.dict(decomposition_table, table))
        for operator in operators:
            stack.enter_context(patch.dict(operator.py_kernels, {composite: _shapes}))
            stack.callback(operator._dispatch_cache.clear)
            operator._dispatch_cache.clear()
        yield


def _shapes(given: Any, start: Any, *settings: Any) -> tuple[Any, ...]:
    """Return tensors as the operator gives them, of any content."""
    import torch

    bidirectional = settings[-2]
    states = start if isinstance(start, list | tuple) else (start,)
    width = states[0].shape[2] * (1 + bidirectional)
    return given.new_empty((*given.shape[:2], width)), *map(torch.empty_like, states)


def onnx_translations() -> dict[Any, Callable[..., Any]]:
    """Return how to write as ONNX what PyTorch's exporter does not know: the simple layers."""
    import torch

    aten = torch.ops.aten
    return {aten.rnn_tanh.input: _simple("Tanh"), aten.rnn_relu.input: _simple("Relu")}


def _simple(activation: str) -> Callable[..., Any]:
    """Return a translation of one layer, batch first, to ONNX' RNN.

    https://onnx.ai/onnx/operators/onnx__RNN.html
    """
    from onnxscript import opset18 as op

    def translated(  # noqa: PLR0917 - as the operator has them
        given: Any,
        start: Any,
        parameters: Sequence[Any],
        has_biases: bool,
        layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Any, Any]:
        if layers != 1 or not batch_first:
            raise NotImplementedError("one layer, batch first")
        each, ways = (4 if has_biases else 2), 1 + bidirectional
        parts = [parameters[way * each : (way + 1) * each] for way in range(ways)]

        def joined(rows: Sequence[Any]) -> Any:
            return op.Concat(*(op.Unsqueeze(row, [0]) for row in rows), axis=0)

        biases = [op.Concat(part[2], part[3], axis=0) for part in parts] if has_biases else []
        outputs, last = op.RNN(
            op.Transpose(given, perm=[1, 0, 2]),
            joined([part[0] for part in parts]),
            joined([part[1] for part in parts]),
            joined(biases) if biases else None,
            None,
            start,
            activations=[activation] * ways,
            direction="bidirectional" if bidirectional else "forward",
            hidden_size=start.shape[2],
        )
        # time × ways × batch × units
        return op.Reshape(op.Transpose(outputs, perm=[2, 0, 1, 3]), [0, 0, -1]), last

    # Read as ONNX types, of which there are none for most; the exporter complains of others.
    translated.__annotations__ = {}
    return translated
