"""PyTorch as a backend."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from plugins.backends.pytorch import code
from workbench.plugin_api.backend import Availability, Backend, FileNames
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.backend import BuildPlan, Device, Model
    from workbench.plugin_api.code import GeneratedCode
    from workbench.plugin_api.network import Network, ResolvedNode


class TorchBackend(Backend):
    """Trains with PyTorch on processors, NVIDIA and AMD GPUs, and Apple's."""

    id: ClassVar[str] = "torch"
    title: ClassVar[str] = "PyTorch"
    differentiates: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("torch",)

    def availability(self) -> Availability:
        """Say whether PyTorch is installed, without importing it."""
        line = "pip install torch"
        if find_spec("torch") is None:
            return Availability(False, "PyTorch is not installed.", line)
        return Availability(True, install=line)

    def devices(self) -> Sequence[Device]:
        """Return GPUs first, the processor last."""
        from plugins.backends.pytorch.devices import available

        return available()

    def generate(self, network: Network) -> GeneratedCode:
        """Return a readable module with one nn.Module class."""
        return code.generate(network)

    def file_names(self, network: Network) -> FileNames | None:
        """Return the names of a state dict of the generated module.

        None for a network with layers that have no PyTorch code: no such file can be its own.
        """
        if without_torch(network):
            return None
        names = code.torch_names(network)
        return FileNames(self.title, {key: ((name,), bind) for key, (name, bind) in names.items()})

    def build(self, plan: BuildPlan) -> Model:
        """Make a model from the module on disk; see Backend."""
        from plugins.backends.pytorch.errors import is_out_of_memory
        from plugins.backends.pytorch.model import TorchModel
        from plugins.backends.running.errors import no_memory

        try:
            return TorchModel(plan)
        except Exception as error:
            if is_out_of_memory(error):
                raise no_memory() from error
            raise

    def problems(self, network: Network) -> Sequence[Problem]:
        """Return layers of plug-ins that have no PyTorch code."""
        return [
            Problem(
                "error",
                f"{node.layer.title} has no PyTorch code, so PyTorch cannot train it.",
                "Choose another backend in the top bar, or another layer.",
                node.id,
            )
            for node in without_torch(network)
        ]

    def warm_up(self) -> None:
        """Import PyTorch."""
        import torch.nn.functional
        import torch.optim  # noqa: F401


def without_torch(network: Network) -> list[ResolvedNode]:
    """Return the nodes whose layers, those of plug-ins, have no PyTorch code."""
    return [node for node in network.nodes if type(node.layer).torch is Layer.torch]
