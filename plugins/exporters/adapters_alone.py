"""What formats have in common that hold adapters without the network they belong to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from plugins.exporters.isolation import run_isolated
from plugins.exporters.safetensors import load_source
from plugins.exporters.samples import samples_of
from plugins.exporters.torch_module import located, run_source
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.exporter import ExportRequest, Outputs

NONE = "This network has no LoRA adapters."


class AdaptersAlone(Exporter):
    """A format that is applied to the same network again."""

    takes_lengths = True
    holds_network = False
    merges_adapters = False

    def availability(self) -> Availability:
        """Always there."""
        return Availability(True)


def run_on_base(
    request: ExportRequest,
    path: Path,
    inputs: NDArray[np.float32],
    base: Mapping[str, NDArray[np.float32]],
    program: Callable[[str], tuple[str, str]],
) -> Outputs:
    """Run the generated PyTorch module in a separate process, with the export put onto its base.

    Args:
        base: weights of the network that the adapters belong to.
        program: returns, for the file that holds `base`, source to add and the expression that
            gives the module.
    """
    source, load = load_source(request)
    with tempfile.TemporaryDirectory(prefix="workbench-base-") as folder:
        file = Path(folder) / "base.safetensors"
        file.write_bytes(save({name: np.ascontiguousarray(a) for name, a in base.items()}))
        added, module = program(str(file))
        script = located(source, request) + load + added + run_source(request, module)
        return run_isolated(script, path, samples_of(request, inputs))
