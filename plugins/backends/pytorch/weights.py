"""Ties canonical weights to the tensors of a generated module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.backends.running.weights import CanonicalWeights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.code import Bind
    from workbench.plugin_api.network import Network


class WeightTable:
    """Every canonical weight of a network with its parameter or buffer.

    Args:
        names: canonical name to dotted name in the module, and its Bind.

    Attributes:
        canonical: their names, shapes and layouts.
        tensors: parameter or buffer by canonical name "node/weight".
        loose: buffers that are no canonical weights but part of the module's state, by dotted name.
    """

    def __init__(
        self, module: Any, network: Network, names: Mapping[str, tuple[str, Bind]]
    ) -> None:
        self.canonical = CanonicalWeights(network, names)
        parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
        by_name = {**parameters, **buffers}
        self.tensors: dict[str, Any] = {name: by_name[path] for name, (path, _) in names.items()}
        bound = {path for path, _ in names.values()}
        loose = (buffers.keys() & module.state_dict().keys()) - bound
        self.loose = {path: buffers[path] for path in sorted(loose)}

    def read(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return copies in canonical layout; of some nodes, or of all."""
        names = (name for name in self.tensors if nodes is None or name.rpartition("/")[0] in nodes)
        return self.read_some(names)

    def read_some(self, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return copies of weights by name, in canonical layout."""
        return {
            name: self.canonical.to_canonical(name, self.tensors[name].detach().cpu().numpy())
            for name in names
        }

    def write(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights.

        Raises:
            UserError: a weight is missing, unknown or of another shape.
        """
        self.canonical.check(weights)
        self.write_some({name: weights[name] for name in self.tensors})

    def write_some(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace some weights, whose names and shapes are known to be right."""
        import torch

        with torch.no_grad():
            for name, array in weights.items():
                tensor = self.tensors[name]
                value = self.canonical.to_framework(name, array)
                tensor.copy_(torch.from_numpy(value).reshape(tensor.shape))
