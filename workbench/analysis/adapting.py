"""Edits for LoRA adapters: which layers get some, and what else is trained with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.analysis.retraining import head_of
from workbench.document.edits import EditError, without_adapters
from workbench.document.graph import Graph, LoRA
from workbench.plugin_api.adapters import chosen, plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node
    from workbench.plugin_api.adapter_files import AdaptedLayer
    from workbench.plugin_api.layer import Role
    from workbench.plugin_api.network import Network, ResolvedNode

USUAL: tuple[Role, ...] = ("query", "value")
EVERY: tuple[Role, ...] = ("query", "key", "value", "output", "dense")


def add_adapters(experiment: Experiment, network: Network, lora: LoRA) -> Experiment:
    """Give the body of a network adapters; they and the head are trained, nothing else.

    Args:
        lora: without a choice `on`, queries and values of attention are adapted, as in the paper,
            or every matrix where the body has no attention.

    Raises:
        EditError: no single layer is the head, or the body has no matrix to adapt.
    """
    head = head_of(network)
    if head is None:
        raise EditError(
            "No single layer decides how many outputs this network has, so that none is the head.",
            "Set adapters of single layers in the inspector instead.",
        )
    body = [node for node in plain(network).nodes if node.id != head.id]
    if not lora.on:
        has_attention = any(_adapted(node, USUAL) for node in body)
        lora = msgspec.structs.replace(lora, on=USUAL if has_attention else EVERY)
    adapted = {node.id for node in body if _adapted(node, lora.on)}
    if not adapted:
        raise EditError(
            "Nothing before the head has a matrix that adapters could change.",
            "They are for dense layers, attention, Transformer blocks and linear layers inside an "
            "imported network.",
        )
    weighted = {node.id for node in body if node.weights}

    def changed(node: Node) -> Node:
        if node.id in adapted:
            return msgspec.structs.replace(node, lora=lora, trainable=True)
        trainable = node.trainable if node.id not in weighted else False
        return msgspec.structs.replace(node, lora=None, trainable=trainable or node.id == head.id)

    nodes = tuple(changed(node) for node in experiment.graph.nodes)
    return msgspec.structs.replace(experiment, graph=Graph(nodes))


def apply_adapters(
    experiment: Experiment,
    network: Network,
    layers: Collection[AdaptedLayer],
    learning: Collection[str],
) -> Experiment:
    """Give layers the adapters that a file has for them; nothing else but `learning` is trained.

    Args:
        network: without adapters.
        layers: which the network has, with the matrices that are named.
        learning: ids of layers that are trained beside them.
    """
    found = {
        layer.id: LoRA(rank=layer.rank, alpha=layer.alpha, on=_on(layer, network))
        for layer in layers
    }
    weighted = {node.id for node in network.nodes if node.weights}

    def changed(node: Node) -> Node:
        lora = found.get(node.id)
        frozen = node.id in weighted and lora is None and node.id not in learning
        trainable = lora is not None or node.id in learning or node.trainable
        return msgspec.structs.replace(node, lora=lora, trainable=trainable and not frozen)

    nodes = tuple(changed(node) for node in experiment.graph.nodes)
    return msgspec.structs.replace(experiment, graph=Graph(nodes))


def _on(layer: AdaptedLayer, network: Network) -> tuple[str, ...]:
    """Return the fewest words that choose just these matrices of a layer."""
    node = network[layer.id]
    matrices = node.layer.projections(node.input_types)
    ways = (*(() if layer.on is None else (layer.on,)), USUAL, EVERY[:-1], EVERY)
    fit = (on for on in ways if chosen(on, matrices).keys() == layer.matrices.keys())
    return next(fit, tuple(layer.matrices))


def remove_adapters(experiment: Experiment) -> Experiment:
    """Remove all adapters; the layers that had some are trained themselves again.

    Raises:
        EditError: no layer has adapters.
    """
    found = without_adapters(experiment)
    if found is experiment:
        raise EditError("No layer has adapters.")
    return found


def _adapted(node: ResolvedNode, on: tuple[str, ...]) -> bool:
    projections = node.layer.projections(node.input_types)
    return bool(projections) and bool(chosen(on, projections))


def adapters_in_words(network: Network) -> str:
    """Return a sentence on the adapters of a network and what is trained; empty without any."""
    adapted = [node for node in network.nodes if node.lora is not None and node.adapters]
    if not adapted:
        return ""
    ranks = sorted({node.lora.rank for node in adapted if node.lora is not None})
    matrices = sum(len(node.adapters) for node in adapted)
    rank = f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {ranks[0]} to {ranks[-1]}"
    trained, all_ = network.trained_parameters, network.parameters
    return (
        f"LoRA adapters of {rank} change {matrices} {'matrix' if matrices == 1 else 'matrices'} "
        f"of {adapted[0].id if len(adapted) == 1 else f'{len(adapted)} layers'}; "
        f"{_grouped(trained)} of {_grouped(all_)} parameters are trained "
        f"({100 * trained / max(all_, 1):.2g} %)."
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")  # which is not broken over lines
