"""PyTorch's own format: a state dict for the generated module."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from plugins.backends.pytorch.backend import TorchBackend
from plugins.backends.pytorch.code import generate
from plugins.exporters.attachments import attachments
from plugins.exporters.isolation import run_isolated
from plugins.exporters.samples import samples_of
from plugins.exporters.torch_module import (
    lacking_code,
    located,
    run_source,
    torch_state,
)
from workbench.files import write_atomically
from workbench.plugin_api.exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Limit, Outputs
    from workbench.plugin_api.network import Network

FOLDER = "neural-workbench/"
"""Of the records that PyTorch does not know, below the archive's own."""


class TorchStateExporter(Exporter):
    """Weights by the names of the generated PyTorch module."""

    id = "torch"
    title = "PyTorch state dict"
    help = "Weights alone, for model.load_state_dict(torch.load(file))."
    suffix = ".pt"
    takes_lengths = True
    holds_network = False

    def availability(self) -> Availability:
        """PyTorch must be installed."""
        return TorchBackend().availability()

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse layers without PyTorch code."""
        return lacking_code(network)

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the state dict; the attachments lie in its zip, where torch.load passes them by."""
        import torch

        _, state = torch_state(request)
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        with zipfile.ZipFile(buffer, "a") as archive:
            root = archive.namelist()[0].partition("/")[0]
            for name, text in attachments(request).items():
                archive.writestr(f"{root}/{FOLDER}{name}", text)
        write_atomically(path, buffer.getvalue())
        return (path,)

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Load the file into the generated module in a separate process."""
        code = generate(request.network)
        load = (
            "\n\ndef load(file):\n"
            f"    model = {code.class_name}()\n"
            "    model.load_state_dict(torch.load(file, weights_only=True))\n"
            "    return model\n"
        )
        return run_isolated(
            located(code.source, request)
            + "\n\nimport torch\n"
            + load
            + run_source(request, "load(file)"),
            path,
            samples_of(request, inputs),
        )
