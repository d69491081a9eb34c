"""ONNX from Keras: pictures keep their channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from plugins.exporters.keras_writing import KerasExporter
from plugins.exporters.safetensors import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest


class KerasOnnxExporter(KerasExporter):
    """Keras on PyTorch writes it; the input is batch × height × width × channels."""

    id = "onnx-keras"
    title = "ONNX (channels last)"
    help = "ONNX by Keras: takes batch × height × width × channels, as the data come."
    suffix = ".onnx"
    frameworks: ClassVar[tuple[str, ...]] = ("torch",)
    writes: ClassVar[str] = "onnx"
    result: ClassVar[str] = "model.onnx"

    def settings(self, request: ExportRequest) -> dict[str, Any]:
        """Leave the batch open; take the version of operators that was chosen."""
        return {"batch": None, "opset": request.options.opset}

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write experiment, classes and what preprocessing learned as the model's properties."""
        import onnx

        model = onnx.load(path)
        onnx.helper.set_model_props(model, metadata(request))
        onnx.save(model, path)
        return ()

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Run onnxruntime."""
        return _READ


_READ = """
import numpy as np
import onnxruntime


def prepare(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    takes_any = not isinstance(given.shape[0], int)

    def run(inputs):
        return session.run(None, {given.name: inputs})[0]

    def answer(inputs):
        if takes_any:
            return run(inputs)
        return np.concatenate([run(inputs[i : i + 1]) for i in range(len(inputs))])

    return answer
"""
