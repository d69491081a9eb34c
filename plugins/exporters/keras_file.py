"""Keras' own file: architecture and weights in one zip."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from plugins.backends.keras.code import generate
from plugins.exporters.attachments import append_zip
from plugins.exporters.keras_writing import KerasExporter
from workbench.files import write_atomically
from workbench.plugin_api.exporter import Limit
from workbench.plugin_api.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network, ResolvedNode

FOLDER = "neural-workbench/"
"""Of the members that Keras does not know, inside the zip."""


class KerasFileExporter(KerasExporter):
    """Loads with keras.models.load_model in safe mode, on any of Keras' frameworks."""

    id = "keras"
    title = "Keras"
    help = "For keras.models.load_model, on TensorFlow, JAX or PyTorch."
    suffix = ".keras"
    writes: ClassVar[str] = "keras"
    result: ClassVar[str] = "model.keras"

    def limits(self, network: Network) -> Sequence[Limit]:
        """Name the layers that Keras lacks: they load where a module written beside is imported."""
        own = [
            Limit(
                message=f"Keras has no {node.layer.title} of its own: import the Python file "
                "written beside before loading.",
                node=node.id,
            )
            for node in network.nodes
            if needs_module(node)
        ]
        return [*super().limits(network), *own]

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Put the attachments into the zip; write the module of the network's own layers."""
        append_zip(path, request, FOLDER)
        if not any(needs_module(node) for node in request.network.nodes):
            return ()
        beside = module_beside(path)
        write_atomically(beside, generate(request.network).source.encode())
        return (beside,)

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Load in safe mode; import what lies beside, if anything does."""
        return _IMPORT.format(file=str(module_beside(path).resolve())) + _READ


def needs_module(node: ResolvedNode) -> bool:
    """Whether a node's layer brings classes that Keras does not have."""
    has_code = type(node.layer).keras is not Layer.keras
    return has_code and bool(node.layer.keras(node.input_types).helpers)


def module_beside(path: Path) -> Path:
    """Return where the module of a file's own layers lies: digits_layers.py."""
    return path.with_name(f"{path.stem}_layers.py")


_IMPORT = """
import os
import runpy

if os.path.exists({file!r}):
    runpy.run_path({file!r})
"""
_READ = """
import keras


def prepare(file):
    model = keras.models.load_model(file)
    return model.predict_on_batch
"""
