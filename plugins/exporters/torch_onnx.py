"""ONNX from PyTorch, for onnxruntime and whatever else runs ONNX."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from plugins.backends.pytorch.backend import TorchBackend
from plugins.exporters.isolation import run_isolated
from plugins.exporters.onnx_block import (
    beyond_merging,
    merged,
    opset_for,
    stand_ins,
    translations,
)
from plugins.exporters.onnx_file import (
    INPUT,
    LENGTHS,
    OUTPUT,
    is_large,
    onnx_availability,
    properties,
    reader,
)
from plugins.exporters.samples import lengths_in_words, samples_of
from plugins.exporters.torch_export import program
from plugins.exporters.torch_module import axes_in_words, boundary_orders, lacking_code
from plugins.exporters.torch_recurrent import kept_whole, onnx_translations
from workbench.files import write_atomically
from workbench.plugin_api.exporter import Exporter, Limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Outputs
    from workbench.plugin_api.network import Network

DATA_SUFFIX = ".data"


class TorchOnnxExporter(Exporter):
    """By torch.onnx.export with its dynamo exporter."""

    id = "onnx"
    title = "ONNX"
    help = "For onnxruntime and many others; pictures channels first."
    suffix = ".onnx"
    takes_lengths = True

    def availability(self) -> Availability:
        """PyTorch and the ONNX packages must be installed."""
        available = onnx_availability()
        return TorchBackend().availability() if available.ok else available

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse layers without PyTorch code; say when the weights are too large for one file."""
        found = [*lacking_code(network), *beyond_merging(network)]
        if is_large(network):
            message = "Its weights exceed 2 GiB, the most an ONNX file holds: they lie beside it."
            found.append(Limit(message=message))
        return found

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the model; weights of more than 2 GiB go into a second file."""
        if any(node.layer.is_fixed for node in request.network.nodes):
            whole = merged(request, _model(request).model_proto)
            write_atomically(path, whole.SerializeToString())
            return (path,)
        model = _model(request)
        if not is_large(request.network):
            write_atomically(path, model.model_proto.SerializeToString())
            return (path,)
        model.save(path, external_data=True)
        return (path, path.with_name(path.name + DATA_SUFFIX))

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what goes in, and that two files belong together."""
        found = [f"It takes {axes_in_words(request.network.inputs[0].output)}."]
        found += lengths_in_words(request.network)
        if is_large(request.network):
            found.append(f"Keep the file that ends in {DATA_SUFFIX} beside it: it has the weights.")
        return found

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Run onnxruntime in a separate process."""
        inward, outward = boundary_orders(request.network)
        return run_isolated(reader(inward, outward), path, samples_of(request, inputs))


def _model(request: ExportRequest) -> Any:
    """Return the torch.onnx.ONNXProgram, with the experiment in its metadata.

    https://docs.pytorch.org/docs/stable/onnx_export.html
    """
    import torch

    with warnings.catch_warnings(), kept_whole():
        warnings.simplefilter("ignore")
        found = torch.onnx.export(
            decomposed(program(request, stand_ins(request))),
            opset_version=opset_for(request),
            input_names=[INPUT, *([LENGTHS] if request.network.varying else [])],
            output_names=[OUTPUT],
            custom_translation_table={**onnx_translations(), **translations()},
            dynamo=True,
            verbose=False,
        )
    _name_axes(found.model.graph)
    found.model.metadata_props.update(_properties(request))
    return found


def _properties(request: ExportRequest) -> dict[str, str]:
    kinds = request.network.inputs[0].output, request.network.outputs[0].output
    return properties(request, *map(axes_in_words, kinds))


def _name_axes(graph: Any) -> None:
    """Give the axes of the input that are of any size a name, wherever they come again."""
    symbols = [str(size) for size in graph.inputs[0].shape if not isinstance(size, int)]
    found = dict(zip(symbols, ("batch", "time"), strict=False))
    inner = (value for node in graph for value in node.outputs)
    for value in (*graph.inputs, *graph.outputs, *inner):
        for axis, size in enumerate(value.shape or ()):
            if str(size) in found:
                value.shape[axis] = found[str(size)]


def decomposed(exported: Any) -> Any:
    """Return an exported program without the operators that PyTorch cannot write as ONNX."""
    import torch

    return exported.run_decompositions({torch.ops.aten.adaptive_max_pool2d.default: _max_of_bins})


def _max_of_bins(batch: Any, sizes: Sequence[int]) -> tuple[Any, Any]:
    """Do what adaptive_max_pool2d does, bin by bin; nobody asks for the places of the maxima.

    Bin i of n on an axis of length s reaches from floor(i·s/n) to ceil((i+1)·s/n), as in PyTorch.
    """
    import torch

    for axis, count in zip((-2, -1), sizes, strict=True):
        length = batch.shape[axis]
        bins = (
            batch.narrow(axis, first := i * length // count, -(-(i + 1) * length // count) - first)
            for i in range(count)
        )
        batch = torch.cat([part.amax(axis, keepdim=True) for part in bins], axis)
    return batch, torch.zeros_like(batch, dtype=torch.int64)
