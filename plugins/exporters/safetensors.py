"""safetensors: canonical weights that every backend of the workbench reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from plugins.backends.pytorch.code import generate, torch_names
from plugins.exporters.isolation import run_isolated
from plugins.exporters.samples import samples_of
from plugins.exporters.torch_module import lacking_code, located, run_source
from workbench.files import write_atomically
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.plugin_api.exporter import ExportRequest, Outputs


class SafetensorsExporter(Exporter):
    """Weights as "node/weight" in Keras' layouts; the experiment travels in the metadata."""

    id = "safetensors"
    title = "safetensors"
    help = "Weights alone, safe to load, with the experiment inside."
    suffix = ".safetensors"
    takes_lengths = True
    holds_network = False

    def availability(self) -> Availability:
        """Always there."""
        return Availability(True)

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write weights and metadata: experiment, classes, preprocessing and what it learned."""
        # safetensors writes wrong data for arrays that are not contiguous.
        tensors = {name: np.ascontiguousarray(value) for name, value in request.weights.items()}
        write_atomically(path, save(tensors, metadata(request)))
        return (path,)

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say why a file was not compared."""
        lacking = lacking_code(request.network)
        return [f"Not compared: {limit.message}" for limit in lacking[:1]]

    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> Outputs | None:
        """Load the file into the generated PyTorch module in a separate process.

        None where a layer has no PyTorch code.
        """
        if lacking_code(request.network):
            return None
        source, load = load_source(request)
        script = located(source, request) + load + run_source(request, "load(file)")
        return run_isolated(script, path, samples_of(request, inputs))


def load_source(request: ExportRequest) -> tuple[str, str]:
    """Return the generated PyTorch module, and `load(*files)`, which gives it with its weights."""
    code = generate(request.network)
    table = {
        name: (torch_name, bind.blocks, bind.transpose, bind.shape)
        for name, (torch_name, bind) in torch_names(request.network).items()
    }
    load = f"""

import numpy as np
import torch
from safetensors.numpy import load_file

TABLE = {table!r}


def load(*files):
    model = {code.class_name}()
    state = model.state_dict()
    for name, array in [each for file in files for each in load_file(file).items()]:
        torch_name, blocks, transpose, shape = TABLE[name]
        if blocks is not None:
            parts = np.split(array, len(blocks), axis=-1)
            array = np.concatenate([parts[index] for index in blocks], axis=-1)
        array = array if transpose is None else array.transpose(transpose)
        array = array if shape is None else array.reshape(shape)
        state[torch_name] = torch.from_numpy(np.ascontiguousarray(array))
    model.load_state_dict(state)
    return model
"""
    return code.source, load


def metadata(request: ExportRequest) -> dict[str, str]:
    """Return what belongs to the weights, as safetensors metadata (text to text)."""
    return {
        "format": "neural-workbench",
        "experiment": request.experiment_json,
        "classes": json.dumps(list(request.info.classes)),
        "fitted": json.dumps(dict(request.fitted)),
    }
