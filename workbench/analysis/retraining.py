"""Edits for a network that was trained before: its head, what is frozen, rates by depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.document.edits import EditError, insert_on_edge, remove_nodes, set_parameter
from workbench.document.graph import Graph, Node
from workbench.plugin_api.adapters import is_factor
from workbench.plugin_api.layer import around, is_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.network import Network, ResolvedNode

_OUTPUTS = ("units", "filters")
"""Settings that decide how many features a layer gives."""


def head_of(network: Network) -> ResolvedNode | None:
    """Return the last layer with weights that decides how many outputs there are, if one does.

    Between it and the Output lie layers alone that keep the number of features: activations,
    dropout, pools.
    """
    known = {node.id: node for node in network.nodes}
    outputs = network.outputs
    found = known.get(outputs[0].inputs[0]) if outputs and outputs[0].inputs else None
    while found is not None and not any(hasattr(found.layer, name) for name in _OUTPUTS):
        features = found.output.shape[-1:]
        if found.weights or len(found.inputs) != 1 or found.input_types[0].shape[-1:] != features:
            return None
        found = known.get(found.inputs[0])
    return found


def swap_head(
    experiment: Experiment, network: Network, classes: int, *, is_body: bool = False
) -> Experiment:
    """Return the experiment with a head of `classes` outputs that gives logits and is trained.

    A head of another size than before starts from the seed. A softmax behind it goes: the loss of
    classification contains it. An imported network without a head gets one.

    Args:
        is_body: whether a network that ends without a head came so, and gets one.

    Raises:
        EditError: no single layer decides the number of outputs.
    """
    head = head_of(network)
    if head is None:
        return _with_head(experiment, network, classes, is_body=is_body)
    setting = next(name for name in _OUTPUTS if hasattr(head.layer, name))
    ends_in_softmax = getattr(head.layer, "activation", "linear") == "softmax"

    def changed(node: Node) -> Node:
        params = {**node.params, setting: classes}
        if ends_in_softmax:
            params.pop("activation")
        return msgspec.structs.replace(node, params=params, trainable=True, lora=None)

    swapped = _mapped(experiment, {head.id}, changed)
    return _without_softmax(swapped, network)


def freeze_up_to(experiment: Experiment, network: Network, *node_ids: str) -> Experiment:
    """Freeze layers and everything they depend on, running statistics included.

    Raises:
        EditError: there is no such layer.
    """
    wanted = _all(experiment.graph.upstream, experiment, node_ids)
    return _set_trainable(experiment, network, wanted, trainable=False)


def unfreeze_from(experiment: Experiment, network: Network, *node_ids: str) -> Experiment:
    """Train layers and everything that depends on them.

    Raises:
        EditError: there is no such layer.
    """
    wanted = _all(experiment.graph.downstream, experiment, node_ids)
    return _set_trainable(experiment, network, wanted, trainable=True)


def _all(
    reach: Callable[[str], set[str]], experiment: Experiment, node_ids: Iterable[str]
) -> set[str]:
    wanted: set[str] = set()
    for node_id in node_ids:
        if node_id not in experiment.graph:
            raise EditError(f"There is no layer called {node_id}.")
        if node_id not in wanted:
            wanted |= reach(node_id)
    return wanted


def freeze_body(experiment: Experiment, network: Network) -> Experiment:
    """Freeze all but the head.

    Raises:
        EditError: no single layer is the head.
    """
    head = head_of(network)
    if head is None:
        raise EditError(
            "No single layer decides how many outputs this network has, so that none is the head.",
            "Freeze up to the last layer that is to stay as it is.",
        )
    body = {node.id for node in experiment.graph.nodes} - {head.id}
    return _set_trainable(experiment, network, body, trainable=False)


def freeze_inside(
    experiment: Experiment, network: Network, node_id: str, path: str, *, up_to: bool = False
) -> Experiment:
    """Freeze a module inside a layer that keeps an imported network, with all that is in it.

    Args:
        path: its dotted name.
        up_to: everything that works before it, too.

    Raises:
        EditError: the layer has no such module.
    """
    node, paths = _inside(network, node_id, path)
    if not node.trainable:
        return experiment
    places = {each: place for place, each in enumerate(paths)}
    last = max(place for each, place in places.items() if is_in(each, path))
    wanted = {
        name
        for name in _own_weights(node)
        if is_in(name, path) or (up_to and _place(name, places) <= last)
    }
    return _set_frozen(experiment, node, paths, wanted | _frozen_in(node))


def unfreeze_inside(
    experiment: Experiment, network: Network, node_id: str, path: str
) -> Experiment:
    """Train a module inside a layer that keeps an imported network, with all that is in it.

    Raises:
        EditError: the layer has no such module.
    """
    node, paths = _inside(network, node_id, path)
    kept = {name for name in _frozen_in(node) if not is_in(name, path)}
    return _set_frozen(experiment, node, paths, kept)


def cut_after(experiment: Experiment, network: Network, node_id: str, path: str) -> Experiment:
    """Let a layer that keeps an imported network end with one of its modules; "": with its own end.

    Raises:
        EditError: the layer has no such module, or that does not give one tensor.
    """
    parts = {part.path: part for part in network[node_id].layer.inner()}
    if path and (path not in parts or parts[path].shape is None):
        raise EditError(
            f"{node_id} cannot end with “{path}”: it has no such module that gives one tensor."
        )
    return set_parameter(experiment, node_id, "end", path)


def _inside(network: Network, node_id: str, path: str) -> tuple[ResolvedNode, list[str]]:
    known = {node.id: node for node in network.nodes}
    paths = [part.path for part in known[node_id].layer.inner()] if node_id in known else []
    if path not in paths:
        raise EditError(f"{node_id} has no module “{path}” inside.")
    return known[node_id], paths


def _place(weight: str, places: Mapping[str, int]) -> int:
    """Return the place of the innermost module that a weight lies in."""
    return next((places[path] for path in around(weight) if path in places), 0)


def _frozen_in(node: ResolvedNode) -> set[str]:
    if not node.trainable:
        return set(node.weights)
    frozen = set(node.layer.frozen)  # type: ignore[attr-defined]
    return {name for name in _own_weights(node) if not frozen.isdisjoint(around(name))}


def _own_weights(node: ResolvedNode) -> list[str]:
    """Return the names of a layer's weights; adapters are frozen with what they adapt."""
    return [name for name in node.weights if not is_factor(node, name)]


def _set_frozen(
    experiment: Experiment, node: ResolvedNode, paths: Sequence[str], wanted: Collection[str]
) -> Experiment:
    """Name what is frozen by as few modules as there can be."""
    partly = {path for name in set(_own_weights(node)) - set(wanted) for path in around(name)}
    whole = {path for name in wanted for path in around(name)} - partly - {""}
    whole.intersection_update(paths)
    outermost = {path for path in whole if whole.isdisjoint({*around(path)} - {path})}
    alone = {name for name in wanted if outermost.isdisjoint(around(name))}
    changed = set_parameter(experiment, node.id, "frozen", sorted(outermost | alone))
    return _mapped(changed, {node.id}, lambda own: msgspec.structs.replace(own, trainable=True))


def spread_rates(experiment: Experiment, network: Network, first: float) -> Experiment:
    """Let earlier layers learn more slowly (Howard and Ruder, 2018).

    The last layer with weights keeps the learning rate; the first one gets `first` times it, and
    those between a factor that falls geometrically with their depth.

    Args:
        first: above 0, at most 1; 1 gives all layers the same rate.
    """
    depth: dict[str, int] = {}
    for node in network.nodes:
        own = any(spec.trainable for spec in node.weights.values())
        depth[node.id] = max((depth[source] for source in node.inputs), default=0) + own
    deepest = max(depth.values(), default=1)
    weighted = {node.id for node in network.nodes if node.weights}

    def changed(node: Node) -> Node:
        share = (deepest - depth[node.id]) / max(deepest - 1, 1)
        factor = float(f"{first ** min(share, 1.0):.4g}")
        return msgspec.structs.replace(node, learning_rate_scale=factor)

    return _mapped(experiment, weighted, changed)


def _with_head(
    experiment: Experiment, network: Network, classes: int, *, is_body: bool
) -> Experiment:
    """Put a head before the Output of a network that ends in what it was imported as.

    Raises:
        EditError: it ends in other layers.
    """
    outputs = network.outputs
    last = network[outputs[0].inputs[0]] if outputs and outputs[0].inputs else None
    is_body |= any(node.layer.is_imported for node in network.nodes)
    if last is None or not is_body:
        raise EditError(
            "No single layer decides how many outputs this network has.",
            "Add a Dense layer with one unit for each class before the Output.",
        )
    graph, target = experiment.graph, outputs[0].id
    if last.output.rank > 1:
        pool = Node(graph.unused_id("pool"), "GlobalAveragePool")
        experiment = insert_on_edge(experiment, pool, target, 0)
    name = "head" if "head" not in graph else graph.unused_id("head")
    return insert_on_edge(experiment, Node(name, "Dense", {"units": classes}), target, 0)


def _without_softmax(experiment: Experiment, network: Network) -> Experiment:
    last = network[network.outputs[0].inputs[0]]
    return remove_nodes(experiment, (last.id,)) if last.layer.id == "Softmax" else experiment


def _set_trainable(
    experiment: Experiment, network: Network, ids: Collection[str], *, trainable: bool
) -> Experiment:
    """Freeze or unfreeze those of the layers that have weights."""
    weighted = {node.id for node in network.nodes if node.weights}

    def changed(node: Node) -> Node:
        return msgspec.structs.replace(node, trainable=trainable)

    wrong = {node.id for node in experiment.graph.nodes if node.trainable != trainable}
    return _mapped(experiment, wrong & weighted & set(ids), changed)


def _mapped(
    experiment: Experiment, ids: Collection[str], change: Callable[[Node], Node]
) -> Experiment:
    if not ids:
        return experiment
    nodes = (change(node) if node.id in ids else node for node in experiment.graph.nodes)
    return msgspec.structs.replace(experiment, graph=Graph(tuple(nodes)))
