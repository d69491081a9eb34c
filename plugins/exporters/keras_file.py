"""Keras' own file: architecture and weights in one zip."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from plugins.backends.keras.code import generate
from plugins.exporters.attachments import append_zip
from plugins.exporters.keras_writing import KERAS_ANSWER, KerasExporter
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
        """Name the layers that need more than Keras' own: a module beside is to be imported."""
        own = [
            Limit(
                message=f"{node.id} uses a class that Keras lacks: import the Python file "
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
        source = generate(request.network).source
        if "register_keras_serializable" not in source:
            return ()
        beside = module_beside(path)
        write_atomically(beside, source.encode())
        return (beside,)

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Load in safe mode; import what lies beside, if anything does."""
        beside = str(module_beside(path).resolve())
        return _IMPORT.format(file=beside) + KERAS_ANSWER + _READ


def needs_module(node: ResolvedNode) -> bool:
    """Whether a node's layer brings classes that Keras does not have, or asks for a mask."""
    if type(node.layer).keras is Layer.keras:
        return False
    code = node.layer.keras(node.input_types)
    return bool(code.helpers) or "{mask" in code.call or "{lengths" in code.call


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
    return answering(keras.models.load_model(file))
"""
