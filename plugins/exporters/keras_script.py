"""A Keras script that stands alone: model, preprocessing, classes, weights beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from plugins.backends.keras.code import generate
from plugins.exporters.keras_weights import add_metadata
from plugins.exporters.keras_writing import BACKENDS, KerasExporter
from plugins.exporters.script import READER, Framework, script_source
from workbench.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest

WEIGHTS_SUFFIX = ".weights.h5"


class KerasScriptExporter(KerasExporter):
    """Runs with Keras on any framework, numpy and Pillow; imports nothing of the workbench."""

    id = "python-keras"
    title = "Python script (Keras)"
    help = "Keras code, preprocessing and weights, on any framework."
    suffix = ".py"
    companions = (WEIGHTS_SUFFIX,)
    writes: ClassVar[str] = "weights"
    result: ClassVar[str] = "model.weights.h5"

    def collect(self, request: ExportRequest, folder: Path, path: Path) -> Sequence[Path]:
        """Put the weights beside, and write the script."""
        (weights,) = super().collect(request, folder, path.with_suffix(WEIGHTS_SUFFIX))
        source = generate(request.network).source
        script = script_source(request, path.name, source, _framework(request))
        write_atomically(path, script.encode())
        return (path, weights)

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write experiment, classes and what preprocessing learned to the weights."""
        add_metadata(request, path)
        return ()

    def reader(self, path: Path, request: ExportRequest) -> str:
        """Import the script and let it answer prepared samples."""
        return READER


def _framework(request: ExportRequest) -> Framework:
    trained_by = request.experiment.training.backend
    given = "[batch, lengths]" if request.network.varying else "batch"
    names = [name for name, kind in BACKENDS.items() if kind.id == trained_by]
    return Framework(
        packages=("keras with tensorflow, jax or torch (set KERAS_BACKEND)",),
        imports="import os\n\nimport keras",
        model="keras.Model",
        weights_suffix=WEIGHTS_SUFFIX,
        load=("model = make_model()", "model.load_weights(WEIGHTS)", "return model"),
        forward=(f"return keras.ops.convert_to_numpy(model({given}, training=False))",),
        before=f'os.environ.setdefault("KERAS_BACKEND", "{[*names, "torch"][0]}")',
    )
