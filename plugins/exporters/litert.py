"""LiteRT (TensorFlow Lite): networks on phones and small devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from plugins.exporters.attachments import append_zip
from plugins.exporters.keras_writing import KerasExporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest


class LiteRTExporter(KerasExporter):
    """Uses LiteRT's own operators alone, so that any of its runtimes can load the file."""

    id = "litert"
    title = "LiteRT"
    help = "One file for phones and small devices (TensorFlow Lite)."
    suffix = ".tflite"
    frameworks: ClassVar[tuple[str, ...]] = ("tensorflow",)
    writes: ClassVar[str] = "litert"
    result: ClassVar[str] = "model.tflite"

    def settings(self, request: ExportRequest) -> dict[str, Any]:
        """Leave the batch open where the runtime can resize it."""
        return {"batch": None}

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Append the attachments as a zip, as TensorFlow Lite's metadata does."""
        append_zip(path, request)
        return ()

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Run the interpreter, whole batches at once where the file takes them."""
        return _READ


_READ = """
import warnings

import numpy as np
import tensorflow as tf


def prepare(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the class moves to a package of its own
        interpreter = tf.lite.Interpreter(file, num_threads=1)
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    takes_any = given["shape_signature"][0] == -1

    def run(inputs):
        interpreter.resize_tensor_input(given["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], inputs)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    def answer(inputs):
        if takes_any:
            return run(inputs)
        return np.concatenate([run(inputs[i : i + 1]) for i in range(len(inputs))])

    return answer
"""
