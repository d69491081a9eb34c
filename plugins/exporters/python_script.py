"""A Python script that stands alone: model, preprocessing, classes, weights beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from plugins.backends.pytorch.backend import TorchBackend
from plugins.exporters.isolation import run_isolated
from plugins.exporters.safetensors import metadata
from plugins.exporters.sources import join_sources
from plugins.exporters.torch_module import module_call, torch_state
from workbench.files import write_atomically
from workbench.plugin_api.exporter import Exporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Outputs

LINE = 88
"""Longer displays are broken, one item a line."""
WEIGHTS_SUFFIX = ".weights.safetensors"


class PythonScriptExporter(Exporter):
    """Runs with torch, numpy, Pillow and safetensors; imports nothing of the workbench."""

    id = "python"
    title = "Python script (PyTorch)"
    help = "The network's code, its preprocessing and its weights: python script.py picture.png"
    suffix = ".py"
    takes_lengths = True

    def availability(self) -> Availability:
        """PyTorch must be installed."""
        return TorchBackend().availability()

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the script, and its weights with the same name beside it."""
        from safetensors.torch import save

        code, state = torch_state(request)
        weights = path.with_suffix(WEIGHTS_SUFFIX)
        contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
        write_atomically(weights, save(contiguous, metadata(request)))
        script = join_sources(
            _docstring(request, path.name),
            code.source,
            request.preprocessing.python_source(dict(request.fitted)),
            request.task.python_source(request.network),
            _main(request, code.class_name),
        )
        write_atomically(path, script.encode())
        return (path, weights)

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Import the script in a separate process and let it answer prepared samples."""
        script = """
import importlib.util


def prepare(file):
    spec = importlib.util.spec_from_file_location("exported", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load_model()
    return lambda inputs: module.forward(model, inputs)
"""
        return run_isolated(script, path, inputs)


def _docstring(request: ExportRequest, name: str) -> str:
    count = len(request.info.classes)
    more, file = {
        "pictures": ("pillow and ", "picture.png"),
        "texts": ("tokenizers and ", "text.txt"),
        "series": ("and ", "series.csv"),
    }[request.info.kind]
    title = " ".join(request.experiment.name.replace("\\", "").replace('"', "").split())
    return (
        f"{title or 'A network'}: tells {count} classes apart; made with Neural Workbench.\n\n"
        f"Needs torch, numpy, {more}safetensors:\n\n"
        f"    python {name} {file} …"
    )


def _listed(classes: Sequence[str]) -> str:
    """Return a list display; every JSON string is a Python string, too."""
    names = [json.dumps(name) for name in classes]
    line = f"[{', '.join(names)}]"
    return line if len(line) <= LINE else "[\n    " + ",\n    ".join(names) + ",\n]"


def _main(request: ExportRequest, class_name: str) -> str:
    return f'''
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

CLASSES = {_listed(request.info.classes)}
WEIGHTS = Path(__file__).with_suffix("{WEIGHTS_SUFFIX}")


def load_model() -> {class_name}:
    """Return the trained network, ready to answer."""
    model = {class_name}()
    model.load_state_dict(load_file(WEIGHTS))
    return model.eval()


def forward(model: {class_name}, batch: np.ndarray) -> np.ndarray:
    """Return the raw outputs for prepared samples, features or channels last."""
    with torch.no_grad():
        return {module_call(request, "model", "batch")}


def main() -> None:
    """Print the likeliest classes of each file."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model = load_model()
    failed = False
    for path in sys.argv[1:]:
        try:
            prepared = load(path)
        except Exception as error:  # decoders fail with all sorts
            print(f"{{path}} cannot be used: {{error}}", file=sys.stderr)
            failed = True
            continue
        found = answers(forward(model, prepared[None])[0], CLASSES)
        print(path, *(f"{{label}} {{share:.1%}}" for label, share in found[:3]), sep="\\t")
    sys.exit(failed)


if __name__ == "__main__":
    main()
'''
