"""ONNX from Keras: pictures keep their channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from plugins.exporters.keras_writing import KerasExporter, axes_in_words
from plugins.exporters.onnx_file import (
    INPUT,
    LENGTHS,
    OUTPUT,
    is_large,
    onnx_availability,
    properties,
    reader,
)
from plugins.exporters.samples import fewest_batch_steps, lengths_in_words
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network

_TOO_LARGE = Limit(
    message="Its weights exceed 2 GiB, the most this file can hold. Choose “ONNX” instead.",
    refuses=True,
)
_FIXED = (
    "Keras on PyTorch fixes the number of steps at {node}, so this file would take samples of one "
    "length only. Choose “ONNX” instead, which takes any length."
)
_FIXING = ("Recurrent", "Convolution", "Pooling", "Sound")
"""Categories of layers whose loops are unrolled, or windows counted, while it is traced."""


class KerasOnnxExporter(KerasExporter):
    """Written by PyTorch from Keras' model; takes batch × height × width × channels."""

    id = "onnx-keras"
    title = "ONNX (channels last)"
    help = "For onnxruntime; pictures channels last, as the data are."
    suffix = ".onnx"
    frameworks: ClassVar[tuple[str, ...]] = ("torch",)
    writes: ClassVar[str] = "onnx"
    result: ClassVar[str] = "model.onnx"

    def availability(self) -> Availability:
        """Keras, PyTorch and the ONNX packages must be installed."""
        available = onnx_availability()
        return super().availability() if available.ok else available

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse what does not fit into one file, and what would fix the number of steps."""
        own = [_TOO_LARGE] if is_large(network) else []
        for node in network.nodes:
            if node.layer.category in _FIXING and any(t.varies for t in node.input_types):
                own.append(Limit(message=_FIXED.format(node=node.id), node=node.id, refuses=True))
        return (*super().limits(network), *own)

    def settings(self, request: ExportRequest) -> dict[str, Any]:
        """Take the version of operators that was chosen."""
        kinds = request.network.inputs[0].output, request.network.outputs[0].output
        return {
            "opset": request.options.opset,
            "inputs": [INPUT, *([LENGTHS] if request.network.varying else [])],
            "output": OUTPUT,
            "fewest": fewest_batch_steps(request.network),
            "properties": properties(request, *map(axes_in_words, kinds)),
        }

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what goes in."""
        taken = f"It takes {axes_in_words(request.network.inputs[0].output)}."
        return (taken, *lengths_in_words(request.network))

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Run onnxruntime; nothing has to be permuted."""
        kinds = request.network.inputs[0].output, request.network.outputs[0].output
        return reader(*(range(kind.rank + 1) for kind in kinds))
