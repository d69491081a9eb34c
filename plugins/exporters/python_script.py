"""A Python script that stands alone: model, preprocessing, classes, weights beside it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from plugins.backends.pytorch.backend import TorchBackend
from plugins.exporters.isolation import run_isolated
from plugins.exporters.safetensors import metadata
from plugins.exporters.samples import samples_of
from plugins.exporters.script import READER, Framework, script_source
from plugins.exporters.torch_module import lacking_code, module_call, torch_state
from workbench.files import write_atomically
from workbench.plugin_api.exporter import ASSETS, Exporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Limit, Outputs
    from workbench.plugin_api.network import Network

WEIGHTS_SUFFIX = ".safetensors"


class PythonScriptExporter(Exporter):
    """Runs with torch, numpy, Pillow and safetensors; imports nothing of the workbench."""

    id = "python"
    title = "Python script (PyTorch)"
    help = "PyTorch code, preprocessing and weights, ready to run."
    suffix = ".py"
    takes_lengths = True
    companions = (WEIGHTS_SUFFIX,)

    def availability(self) -> Availability:
        """PyTorch must be installed."""
        return TorchBackend().availability()

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse layers without PyTorch code."""
        return lacking_code(network)

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the script, and its weights with the same name beside it."""
        from safetensors.torch import save

        code, state = torch_state(request)
        weights = path.with_suffix(WEIGHTS_SUFFIX)
        contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
        write_atomically(weights, save(contiguous, metadata(request)))
        framework = _framework(request, code.class_name)
        script = script_source(request, path.name, code.source, framework)
        write_atomically(path, script.encode())
        return (path, weights, *_copied(request, path.with_name(ASSETS)))

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what belongs to the script."""
        if not request.experiment.assets:
            return ()
        return (f"Keep the folder {ASSETS} beside it: it has networks that are run as they are.",)

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Import the script in a separate process and let it answer prepared samples."""
        return run_isolated(READER, path, samples_of(request, inputs))


def _copied(request: ExportRequest, folder: Path) -> list[Path]:
    """Copy the files that the script reads besides its weights."""
    found = []
    for asset in request.experiment.assets:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(request.assets / asset.name, folder / asset.name)
        found.append(folder / asset.name)
    return found


def _framework(request: ExportRequest, class_name: str) -> Framework:
    return Framework(
        packages=("torch", "safetensors"),
        imports="import torch\nfrom safetensors.torch import load_file",
        model=class_name,
        weights_suffix=WEIGHTS_SUFFIX,
        load=(
            f"model = {class_name}()",
            "model.load_state_dict(load_file(WEIGHTS))",
            "return model.eval()",
        ),
        forward=(
            "with torch.no_grad():",
            f"    return {module_call(request, 'model', 'batch')}",
        ),
    )
