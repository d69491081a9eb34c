"""Keras' weights file, for the model of the generated code."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from plugins.backends.keras.code import generate
from plugins.exporters.keras_writing import KERAS_ANSWER, KerasExporter
from plugins.exporters.safetensors import metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest


class KerasWeightsExporter(KerasExporter):
    """Weights by the layers of the generated Keras model; the rest is in HDF5 attributes."""

    id = "keras-weights"
    title = "Keras weights"
    help = "Weights alone, for load_weights of the Keras code's model."
    suffix = ".weights.h5"
    holds_network = False
    writes: ClassVar[str] = "weights"
    result: ClassVar[str] = "model.weights.h5"

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write experiment, classes and what preprocessing learned as the file's attributes."""
        add_metadata(request, path)
        return ()

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Load the weights into the generated model."""
        code = generate(request.network)
        return f"{code.source}\n\n{KERAS_ANSWER}" + (
            "\n\ndef prepare(file):\n"
            f"    model = {code.class_name}()\n"
            "    model.load_weights(file)\n"
            "    return answering(model)\n"
        )


def add_metadata(request: ExportRequest, path: Path) -> None:
    """Write what belongs to the weights as attributes of an HDF5 file."""
    import h5py

    with h5py.File(path, "r+") as file:
        # Texts of varying length lie outside the attribute, which has 64 KB at most.
        file.attrs.update(metadata(request))
