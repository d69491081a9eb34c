"""Outputs of networks over samples that differ in length, without steps that no sample has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.backends.source.lengths import steps_after
from plugins.backends.source.plan import lengths_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from plugins.backends.source.plan import Dialect
    from workbench.plugin_api.network import Network


class OutputSteps:
    """Knows how many steps each node's output has."""

    def __init__(self, network: Network, dialect: Dialect) -> None:
        self._found = lengths_at(network, dialect)
        self._output = network.outputs[0].id if network.outputs else ""

    def cut(
        self, values: NDArray[np.float32], inputs: NDArray[Any], node: str = ""
    ) -> NDArray[np.float32]:
        """Leave out what comes after the steps of a sample as long as the batch of inputs.

        Layers leave more where they fill up samples that are too short for their windows, and
        backends where they fill up batches.

        Args:
            node: whose output it is; empty: the network's.
        """
        names = self._found.get(node or self._output)
        return values if names is None else values[:, : steps_after(names, inputs.shape[1])]
