"""Canonical weights: checked, and turned into a framework's layout and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.code import Bind
    from workbench.plugin_api.network import Network


class CanonicalWeights:
    """Names, shapes and Binds of a network's weights.

    Args:
        names: canonical name "node/weight" to its place in the framework, and its Bind.

    Attributes:
        shapes: canonical shape of every weight, bound or not.
    """

    def __init__(self, network: Network, names: Mapping[str, tuple[str, Bind]]) -> None:
        self.shapes = {name: spec.shape for name, spec in network.weight_specs().items()}
        self._binds = {name: bind for name, (_, bind) in names.items()}

    def to_canonical(self, name: str, value: NDArray[Any]) -> NDArray[np.float32]:
        """Return a weight, or what an optimizer keeps of it, as a canonical array of its own."""
        array = self._binds[name].to_canonical(value, self.shapes[name])
        return np.array(array, np.float32, order="C")

    def to_framework(self, name: str, value: NDArray[Any]) -> NDArray[np.float32]:
        """Return a canonical array in the framework's layout, in memory of its own."""
        array = self._binds[name].to_framework(np.asarray(value, np.float32))
        return np.array(array, np.float32, order="C")

    def check(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Raise UserError when a weight is missing, unknown or of another shape."""
        hint = "They were saved from another network."
        for name, shape in self.shapes.items():
            if name not in weights:
                raise UserError(f"The weights lack {name}.", hint)
            if tuple(weights[name].shape) != shape:
                raise UserError(
                    f"The weight {name} has the shape {tuple(weights[name].shape)}, "
                    f"but the network needs {shape}.",
                    hint,
                )
        unknown = sorted(set(weights) - set(self.shapes))
        if unknown:
            raise UserError(f"The weights hold {unknown[0]}, which the network has not.", hint)
