"""Weight penalties, as in Keras: l1·Σ|w| + l2·Σw² over each penalised weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.plugin_api.network import Network


def penalty(network: Network, tensors: Mapping[str, Any]) -> Callable[[], Any] | None:
    """Return a function that gives the sum of all penalties; None when there are none."""
    terms = [
        (tensors[f"{node.id}/{name}"], spec.l1, spec.l2)
        for node in network.nodes
        for name in node.trained
        for spec in [node.weights[name]]
        if spec.l1 or spec.l2
    ]
    if not terms:
        return None

    def total() -> Any:
        result: Any = 0.0
        for tensor, l1, l2 in terms:
            if l1:
                result = result + l1 * tensor.abs().sum()
            if l2:
                result = result + l2 * tensor.square().sum()
        return result

    return total
