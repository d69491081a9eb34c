"""What all exports from Keras share: a job for a process of its own, and its result."""

from __future__ import annotations

import json
import shutil
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plugins.backends.keras.backend import KerasJax, KerasTensorFlow, KerasTorch, without_keras
from plugins.backends.keras.code import generate, keras_names
from plugins.backends.keras.names import model_name
from plugins.exporters import keras_program
from plugins.exporters.isolation import run_folders, run_isolated
from plugins.exporters.samples import samples_of
from workbench.errors import UserError
from workbench.files import unwritable
from workbench.plugin_api.exporter import Exporter, Limit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Availability
    from workbench.plugin_api.exporter import ExportRequest, Outputs
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType

BACKENDS = {kind.framework: kind for kind in (KerasJax, KerasTensorFlow, KerasTorch)}


class KerasExporter(Exporter):
    """A file that Keras writes; the model is made anew in a process without the workbench."""

    takes_lengths = True
    frameworks: ClassVar[tuple[str, ...]] = ("jax", "tensorflow", "torch")
    """What Keras may run on for this format, the quickest to import first."""
    writes: ClassVar[str]
    """Name of the format in `keras_program`, and of the file or folder that it leaves."""
    result: ClassVar[str]

    def availability(self) -> Availability:
        """Keras and one of its frameworks must be installed."""
        found = [BACKENDS[name]().availability() for name in self.frameworks]
        return next((one for one in found if one.ok), found[-1])

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse layers of plug-ins that have no Keras code."""
        return [
            Limit(
                message=f"{node.layer.title} has no Keras code, which {node.id} needs.",
                node=node.id,
                refuses=True,
            )
            for node in without_keras(network)
        ]

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Make the model in another process, and take what it has written."""
        with tempfile.TemporaryDirectory(prefix="workbench-export-") as name:
            folder = Path(name)
            self.lay_out(request, folder)
            (failure,) = run_folders([folder], environment=self.environment(request.network))
            if failure:
                raise UserError(f"{self.title} could not be written for this network.", failure)
            return self.collect(request, folder, path)

    def lay_out(self, request: ExportRequest, folder: Path) -> None:
        """Put into a folder what the other process needs."""
        from safetensors.numpy import save_file

        code, names = generate(request.network), keras_names(request.network)
        job = {
            "format": self.writes,
            "module": module_name(request.network.name),
            "function": code.class_name,
            "variables": {
                weight: (layer, bind.attribute) for weight, (layer, bind) in names.items()
            },
            **self.settings(request),
        }
        tensors = {
            weight: np.ascontiguousarray(bind.to_framework(request.weights[weight]))
            for weight, (_, bind) in names.items()
        }
        shutil.copyfile(keras_program.__file__, folder / "main.py")
        (folder / "model.py").write_text(code.source, encoding="utf-8")
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        save_file(tensors, folder / "weights.safetensors")

    def settings(self, request: ExportRequest) -> dict[str, Any]:
        """Return what the format needs to be told besides."""
        return {}

    def collect(self, request: ExportRequest, folder: Path, path: Path) -> Sequence[Path]:
        """Move what was written to its place, and add what travels with it."""
        try:
            shutil.move(folder / self.result, path)
            return (path, *self.finish(request, path))
        except OSError as error:
            raise unwritable(path, error) from error

    def finish(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Add what travels with the network; return the files that were written beside."""
        return ()

    def outputs(self, path: Path, inputs: NDArray[np.float32], request: ExportRequest) -> Outputs:
        """Let the file answer in a separate process."""
        return run_isolated(
            self.reader(path, request),
            path,
            samples_of(request, inputs),
            environment=self.environment(request.network),
        )

    @abstractmethod
    def reader(self, path: Path, request: ExportRequest) -> str:
        """Return source that defines `prepare(file) -> (inputs -> outputs)`, see `run_isolated`."""

    def environment(self, network: Network | None = None) -> Mapping[str, str]:
        """Return variables for processes: Keras' framework, the CPU, and no chatter."""
        found = [name for name in self.frameworks if BACKENDS[name]().availability().ok]
        # PyTorch takes longest to import, but compiles nothing for each new length.
        chosen = found[-1 if network and network.varying else 0] if found else self.frameworks[-1]
        return {
            "KERAS_BACKEND": chosen,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
        }


def module_name(title: str) -> str:
    """Return what the module of a network's own layers is called inside Keras' files."""
    return f"{model_name(title)}_layers"


def axes_in_words(kind: TensorType) -> str:
    """Return a tensor's axes as Keras has them: "batch × height 8 × width 8 × channels 3"."""
    axes = (
        name if size is None else f"{name} {size}"
        for name, size in zip(kind.axes, kind.shape, strict=True)
    )
    return " × ".join(("batch", *axes))


KERAS_ANSWER = """
def answering(model):
    def answer(*given):
        integers = [a.astype("int32") if a.dtype.kind == "i" else a for a in given]
        return model.predict_on_batch(integers if len(given) > 1 else integers[0])

    return answer
"""
"""Source of what lets a Keras model answer; it takes lengths as its last input."""
