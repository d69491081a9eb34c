"""Keras as three backends: on TensorFlow, on JAX and on PyTorch."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from plugins.backends.keras import code
from plugins.backends.keras.file_names import file_names
from workbench.plugin_api.backend import Availability, Backend, FileNames
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.backend import BuildPlan, Device, Model
    from workbench.plugin_api.code import GeneratedCode
    from workbench.plugin_api.network import Network, ResolvedNode


class _KerasBackend(Backend):
    """Keras 3 on one of its frameworks; it takes one a process, so a run has its own worker."""

    framework: ClassVar[str]
    """Name of the package, and what Keras calls it."""
    framework_title: ClassVar[str]

    def availability(self) -> Availability:
        """Say whether Keras and the framework are installed, without importing them."""
        line = f'pip install "neural-workbench[{self.id}]"'
        for package, name in (("keras", "Keras"), (self.framework, self.framework_title)):
            if find_spec(package) is None:
                return Availability(False, f"{name} is not installed.", line)
        return Availability(True, install=line)

    def devices(self) -> Sequence[Device]:
        """Return the framework's devices, best first."""
        from plugins.backends.keras.devices import available

        return available(self.framework)

    def generate(self, network: Network) -> GeneratedCode:
        """Return a readable module with `make_model()`."""
        return code.generate(network)

    def file_names(self, network: Network) -> FileNames | None:
        """Return the names of HDF5 files, which are the same for all three.

        None for a network with layers that have no Keras code: no such file can be its own.
        """
        if without_keras(network):
            return None
        return FileNames("Keras", file_names(network))

    def build(self, plan: BuildPlan) -> Model:
        """Make a model from the module on disk; see Backend."""
        from plugins.backends.keras.model import build

        return build(plan, self.framework)

    def problems(self, network: Network) -> Sequence[Problem]:
        """Return layers of plug-ins that have no Keras code."""
        return [
            Problem(
                "error",
                f"{node.layer.title} has no Keras code, so {self.title} cannot train it.",
                "Choose PyTorch, or another layer.",
                node.id,
            )
            for node in without_keras(network)
        ]

    def warm_up(self) -> None:
        """Import Keras with the framework."""
        from plugins.backends.keras.loading import load_keras

        load_keras(self.framework)


def without_keras(network: Network) -> list[ResolvedNode]:
    """Return the nodes whose layers, those of plug-ins, have no Keras code."""
    return [node for node in network.nodes if type(node.layer).keras is Layer.keras]


class KerasTensorFlow(_KerasBackend):
    """Keras, compiled by TensorFlow."""

    id: ClassVar[str] = "keras-tensorflow"
    title: ClassVar[str] = "Keras · TensorFlow"
    packages: ClassVar[tuple[str, ...]] = ("keras", "tensorflow", "tensorflow-cpu")
    framework = "tensorflow"
    framework_title = "TensorFlow"


class KerasJax(_KerasBackend):
    """Keras, compiled by JAX."""

    id: ClassVar[str] = "keras-jax"
    title: ClassVar[str] = "Keras · JAX"
    packages: ClassVar[tuple[str, ...]] = ("keras", "jax")
    framework = "jax"
    framework_title = "JAX"


class KerasTorch(_KerasBackend):
    """Keras, run by PyTorch."""

    id: ClassVar[str] = "keras-torch"
    title: ClassVar[str] = "Keras · PyTorch"
    packages: ClassVar[tuple[str, ...]] = ("keras", "torch")
    framework = "torch"
    framework_title = "PyTorch"
