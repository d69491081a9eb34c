"""torch.export: the network as a graph of PyTorch's operators, without Python code."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

from plugins.backends.pytorch.backend import TorchBackend
from plugins.exporters.attachments import attachments
from plugins.exporters.isolation import run_isolated
from plugins.exporters.onnx_block import programs_in
from plugins.exporters.samples import fewest_batch_steps, lengths_in_words, samples_of
from plugins.exporters.torch_module import (
    axes_in_words,
    boundary_orders,
    example_arguments,
    lacking_code,
    run_source,
    torch_module,
)
from plugins.exporters.torch_recurrent import kept_whole
from workbench.files import write_atomically
from workbench.plugin_api.exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Limit, Outputs
    from workbench.plugin_api.network import Network


class TorchExportExporter(Exporter):
    """A program for torch.export.load, which AOTInductor and ExecuTorch take, too."""

    id = "pt2"
    title = "torch.export"
    help = "For torch.export.load(file).module(); channels first."
    suffix = ".pt2"
    takes_lengths = True

    def availability(self) -> Availability:
        """PyTorch must be installed."""
        return TorchBackend().availability()

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse layers without PyTorch code, and such as PyTorch does not compute itself."""
        return [*lacking_code(network), *programs_in(network, self.title)]

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the program, with the attachments as extra files."""
        import torch

        buffer = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(program(request), buffer, extra_files=attachments(request))
        write_atomically(path, buffer.getvalue())
        return (path,)

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what goes in."""
        taken = f"It takes {axes_in_words(request.network.inputs[0].output)}."
        return (taken, *lengths_in_words(request.network))

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Load the program in a separate process."""
        module = run_source(request, "torch.export.load(file).module()", in_evaluation=False)
        return run_isolated(f"import torch\n{module}", path, samples_of(request, inputs))


def program(request: ExportRequest, change: Callable[[Any], None] = lambda module: None) -> Any:
    """Return the torch.export.ExportedProgram; it takes any batch, and samples of any length.

    https://docs.pytorch.org/docs/stable/export.html

    Args:
        change: changes the module before.
    """
    import torch

    _, module = torch_module(request)
    change(module)
    batch = torch.export.Dim("batch")
    shapes: tuple[Any, ...] = ({0: batch},)
    if request.network.varying:
        fewest = fewest_batch_steps(request.network)
        inward, _ = boundary_orders(request.network)
        most = [n for node in request.network.nodes if (n := getattr(node.layer, "most_steps", 0))]
        time = torch.export.Dim("time", min=fewest, max=min(most, default=None))
        shapes = ({0: batch, inward.index(1): time}, {0: batch})
    with kept_whole():
        return torch.export.export(
            module,
            example_arguments(request),
            dynamic_shapes=shapes,
            # Not all that holds for any length can be proved.
            prefer_deferred_runtime_asserts_over_guards=True,
        )
