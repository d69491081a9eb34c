"""ONNX files: their graph becomes layers of the catalogue, or one block that never changes."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.plugin_api.importer import ImportRequest


class OnnxFileImporter(Importer):
    """Graphs of ONNX; no code is run, files beside it are read only from its own folder."""

    id = "onnx_file"
    title = "ONNX file"
    help = "A network in the format that PyTorch, TensorFlow and others exchange."
    suffixes = (".onnx",)

    def availability(self) -> Availability:
        """Look for ONNX and its runtime without importing them."""
        for package in ("onnx", "onnxruntime"):
            if importlib.util.find_spec(package) is None:
                return Availability(
                    False, f"{package} is not installed.", 'pip install "neural-workbench[onnx]"'
                )
        return Availability(True)

    def opens(self, path: Path) -> bool:
        """Say whether a file is called like one, or a folder has one and no other weights."""
        if path.is_dir():
            from plugins.importers._text_files import graph_in

            return graph_in(path) is not None
        return path.suffix.lower() == ".onnx"

    def read(self, request: ImportRequest) -> Imported:
        """Read the graph, make layers of it or one block, and give what runs the original."""
        from plugins.importers._onnx_import import imported, kept

        assert request.file is not None
        named, file = request.tokeniser, request.file
        if file.is_dir():
            from plugins.importers._text_files import graph_in

            file = graph_in(file) or file
        if request.form == "block":
            return kept(file, "that was asked for", request.tell, tokeniser=named)
        try:
            return imported(file, request.tell, tokeniser=named)
        except NotCoveredError as refusal:
            if request.form == "nodes":
                raise
            try:
                reason = refusal.message.rstrip(".")
                return kept(file, reason, request.tell, tokeniser=named)
            except NotCoveredError:
                raise refusal from None
