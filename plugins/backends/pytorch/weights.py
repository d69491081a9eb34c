"""Ties canonical weights to the tensors of a generated module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.code import Bind
    from workbench.plugin_api.network import Network


class WeightTable:
    """Every canonical weight of a network with its parameter or buffer.

    Args:
        names: canonical name to dotted name in the module, and its Bind.

    Attributes:
        tensors: parameter or buffer by canonical name "node/weight".
        loose: buffers that are no canonical weights, by dotted name.
    """

    def __init__(
        self, module: Any, network: Network, names: Mapping[str, tuple[str, Bind]]
    ) -> None:
        self._shapes = {name: spec.shape for name, spec in network.weight_specs().items()}
        self._binds = {name: bind for name, (_, bind) in names.items()}
        parameters, buffers = dict(module.named_parameters()), dict(module.named_buffers())
        by_name = {**parameters, **buffers}
        self.tensors: dict[str, Any] = {name: by_name[path] for name, (path, _) in names.items()}
        bound = {path for path, _ in names.values()}
        self.loose = {path: tensor for path, tensor in buffers.items() if path not in bound}

    def read(self, nodes: Collection[str] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return copies in canonical layout; of some nodes, or of all."""
        weights = {}
        for name, tensor in self.tensors.items():
            if nodes is not None and name.rpartition("/")[0] not in nodes:
                continue
            value = np.array(tensor.detach().cpu().numpy(), np.float32)
            weights[name] = self._binds[name].to_canonical(value, self._shapes[name])
        return weights

    def write(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Replace all weights.

        Raises:
            UserError: a weight is missing, unknown or of another shape.
        """
        import torch

        self._check(weights)
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                value = self._binds[name].to_framework(np.asarray(weights[name], np.float32))
                tensor.copy_(torch.from_numpy(np.array(value)).reshape(tensor.shape))

    def _check(self, weights: Mapping[str, NDArray[Any]]) -> None:
        for name, shape in self._shapes.items():
            if name not in weights:
                raise UserError(
                    f"The weights lack {name}.", "They were saved from another network."
                )
            if tuple(weights[name].shape) != shape:
                raise UserError(
                    f"The weight {name} has the shape {tuple(weights[name].shape)}, "
                    f"but the network needs {shape}.",
                    "They were saved from another network.",
                )
        unknown = sorted(set(weights) - set(self._shapes))
        if unknown:
            raise UserError(
                f"The weights hold {unknown[0]}, which the network has not.",
                "They were saved from another network.",
            )
