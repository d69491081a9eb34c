"""LiteRT (TensorFlow Lite): networks on phones and small devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from plugins.exporters.attachments import append_zip
from plugins.exporters.keras_writing import KerasExporter, axes_in_words
from plugins.exporters.onnx_file import is_large
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network, ResolvedNode

_TOO_LARGE = Limit(
    message="Its weights exceed 2 GiB, the most a LiteRT file can hold.", refuses=True
)


class LiteRTExporter(KerasExporter):
    """Uses LiteRT's own operators alone, so that any of its runtimes can load the file."""

    id = "litert"
    title = "LiteRT"
    help = "One file for phones and small devices (TensorFlow Lite)."
    suffix = ".tflite"
    takes_lengths = False
    frameworks: ClassVar[tuple[str, ...]] = ("tensorflow",)
    writes: ClassVar[str] = "litert"
    result: ClassVar[str] = "model.tflite"

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse what LiteRT has no operator of its own for."""
        found = [*super().limits(network)]
        if is_large(network):
            found.append(_TOO_LARGE)
        for node in network.nodes:
            if lacking := _lacking(node):
                message = f"LiteRT has no {lacking}, which {node.id} needs."
                found.append(Limit(message=message, node=node.id, refuses=True))
        return found

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Append the attachments as a zip, as TensorFlow Lite's metadata does."""
        append_zip(path, request)
        return ()

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what goes in."""
        taken = axes_in_words(request.network.inputs[0].output)
        return (f"It takes {taken}; resize the input for more than one sample.",)

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Run the interpreter on the whole batch."""
        return _READ


def _lacking(node: ResolvedNode) -> str:
    """Return what LiteRT has not for a layer; found by exporting every layer of the catalog."""
    layer: Any = node.layer
    is_dilated = _above_one(getattr(layer, "dilation", 1))
    if layer.id in ("MaxPool3D", "AveragePool3D"):
        return "pooling over volumes"
    if layer.id == "Conv3D" and (is_dilated or layer.groups > 1):
        return "convolution over volumes with dilation or groups"
    if layer.id in ("ConvTranspose1D", "ConvTranspose2D") and is_dilated:
        return "transposed convolution with dilation"
    if layer.id == "PReLU" and node.output.rank > 3:
        return "PReLU on volumes"
    interpolation = getattr(layer, "interpolation", "")
    if interpolation == "bicubic":
        return "bicubic interpolation"
    if interpolation == "bilinear" and getattr(layer, "antialias", False):
        return "antialiased interpolation"
    return ""


def _above_one(sizes: int | tuple[int, ...]) -> bool:
    return max(sizes if isinstance(sizes, tuple) else (sizes,)) > 1


_READ = """
import warnings

import tensorflow as tf


def prepare(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the class moves to a package of its own
        interpreter = tf.lite.Interpreter(file, num_threads=1)
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(inputs):
        interpreter.resize_tensor_input(given["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], inputs.astype(given["dtype"]))
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return answer
"""
