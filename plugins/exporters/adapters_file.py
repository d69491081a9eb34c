"""LoRA adapters alone, to be applied to the network that they were trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from safetensors.numpy import save

from plugins.exporters.adapters_alone import NONE, AdaptersAlone, run_on_base
from plugins.exporters.torch_module import lacking_code
from workbench.files import write_atomically
from workbench.plugin_api.adapter_files import ENTRY, arrays_of, header_of
from workbench.plugin_api.adapters import factor_names
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.exporter import ExportRequest, Outputs
    from workbench.plugin_api.network import Network


class AdaptersExporter(AdaptersAlone):
    """The factors of all adapted matrices, and what else was trained with them."""

    id = "adapters"
    title = "LoRA adapters"
    help = "The adapters and the head alone, for the same network here."
    suffix = ".lora.safetensors"

    def concerns(self, network: Network) -> bool:
        """Whether it has adapters."""
        return bool(factor_names(network))

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse a network without adapters."""
        return [] if self.concerns(network) else [Limit(message=NONE, refuses=True)]

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write factors and header; see `workbench.plugin_api.adapter_files`."""
        header = header_of(request.network, request.weights)
        # One entry of metadata: several would lie in another order each time.
        metadata = {ENTRY: msgspec.json.encode(header).decode()}
        write_atomically(path, save(arrays_of(request.network, request.weights), metadata))
        return (path,)

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what is in the file, and how it is used."""
        header = header_of(request.network, request.weights)
        matrices = sum(len(layer.matrices) for layer in header.layers)
        beside = dict.fromkeys(name.partition("/")[0] for name in header.trained)
        words = f", and the weights of {', '.join(beside)}" if beside else ""
        return [
            f"Adapters of {matrices} {'matrix' if matrices == 1 else 'matrices'}{words}; "
            "`workbench lora FILE --load` applies them to the same network."
        ]

    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> Outputs | None:
        """Load file and base into the generated PyTorch module in a separate process.

        None where a layer has no PyTorch code.
        """
        if lacking_code(request.network):
            return None
        apart = arrays_of(request.network, request.weights)
        rest = {name: array for name, array in request.weights.items() if name not in apart}
        return run_on_base(request, path, inputs, rest, lambda base: ("", f"load({base!r}, file)"))
