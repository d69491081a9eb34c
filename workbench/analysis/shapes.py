"""Works out every layer's type, weights and cost, and says in words where it cannot."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from workbench.document.edits import remove_nodes, update_node
from workbench.document.graph import CycleError, Graph, Node
from workbench.errors import UserError
from workbench.plugin_api.adapters import adapted
from workbench.plugin_api.layer import need_values
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.plugin_api.problems import Problem, Repair
from workbench.plugin_api.tensors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.catalog import Catalog
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.tensors import TensorType


@dataclass(frozen=True)
class Resolution:
    """The part of a graph that makes sense, and what is wrong with the rest."""

    network: Network
    problems: tuple[Problem, ...] = ()
    by_id: Mapping[str, ResolvedNode] = field(default_factory=dict)


def resolve(
    graph: Graph,
    catalog: Catalog,
    data_type: TensorType | None = None,
    name: str = "Network",
    *,
    waits: bool = False,
) -> Resolution:
    """Resolve a graph node by node; a node after a broken one is left out silently.

    Args:
        data_type: type of a prepared sample, for Input layers that take it from the data.
        waits: that will be known soon, so that an Input which lacks it is left out silently, too.
    """
    try:
        order = graph.order()
    except CycleError as error:
        problem = Problem("error", error.message, error.hint, node=error.cycle[0])
        return Resolution(Network(name, ()), (problem,))
    found: dict[str, ResolvedNode] = {}
    problems: list[Problem] = []
    for node in order:
        try:
            resolved = _resolve_node(node, graph, catalog, found, data_type)
        except Exception as raised:
            if waits and node.type == "Input" and isinstance(raised, ShapeError):
                continue
            told = _in_words(raised, node)
            repair = None
            if node.type not in catalog.layers:
                repair = Repair("Remove it", partial(remove_nodes, ids=(node.id,)))
            elif isinstance(raised, NothingToAdapt):
                repair = Repair(
                    "Remove the adapters", partial(update_node, node_id=node.id, lora=None)
                )
            problems.append(Problem("error", told.message, told.hint, node.id, repair))
        else:
            if resolved is not None:
                found[node.id] = resolved
    return Resolution(Network(name, tuple(found.values())), tuple(problems), found)


def _in_words(error: Exception, node: Node) -> UserError:
    """Return the error for a person; one that is none comes from a fault in a plug-in."""
    if isinstance(error, UserError):
        return error
    logging.getLogger(__name__).warning("The layer %s failed", node.id, exc_info=error)
    return UserError(
        f"The plug-in of {node.id} ({node.type}) has a fault: {type(error).__name__}: {error}.",
        "Update the plug-in, or replace the layer.",
    )


def _resolve_node(
    node: Node,
    graph: Graph,
    catalog: Catalog,
    found: Mapping[str, ResolvedNode],
    data_type: TensorType | None,
) -> ResolvedNode | None:
    layer = catalog.layer(node)
    _check_inputs(node, layer, graph)
    if any(source not in found for source in node.inputs):
        return None
    types = tuple(found[source].output for source in node.inputs)
    if layer.id == "Input" and data_type is not None:
        types = (data_type,)
    need_values(layer, types)
    output = layer.output(types)
    resolved = ResolvedNode(
        id=node.id,
        layer=layer,
        inputs=node.inputs,
        input_types=types,
        output=output,
        weights=layer.weights(types),
        multiply_adds=layer.multiply_adds(types),
        trainable=node.trainable,
        learning_rate_scale=node.learning_rate_scale,
        lora=node.lora,
    )
    if node.lora is None:
        return resolved
    with_factors = adapted(resolved, layer.projections(types))
    if not with_factors.adapters:
        raise NothingToAdapt(node.id, layer)
    return with_factors


class NothingToAdapt(UserError):
    """A layer has LoRA adapters, but no matrix that they could change."""

    def __init__(self, node_id: str, layer: Layer) -> None:
        super().__init__(
            f"{layer.title} “{node_id}” has LoRA adapters, but no matrix that they could change.",
            "Remove the adapters, or choose what they change anew.",
        )


def _check_inputs(node: Node, layer: Layer, graph: Graph) -> None:
    fewest, most = layer.inputs
    count = len(node.inputs)
    missing = [source for source in node.inputs if source not in graph]
    if missing:
        raise UserError(
            f"{layer.title} “{node.id}” takes its input from {missing[0]}, which does not exist.",
            "Connect it to another layer.",
        )
    if count < fewest:
        wanted = "an input" if fewest == 1 else f"{fewest} inputs, but has {count}"
        raise UserError(
            f"{layer.title} “{node.id}” needs {wanted}.",
            "Drag from the lower port of a layer to its upper port.",
        )
    if most is not None and count > most:
        wanted = "no input" if most == 0 else f"{most} input" + ("s" if most > 1 else "")
        raise UserError(
            f"{layer.title} “{node.id}” takes {wanted}, but has {count}.",
            "Join them first with Add or Concatenate." if most else "",
        )
