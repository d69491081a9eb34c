"""What classification wants of a network's head: one logit for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.document.edits import insert_on_edge, move, remove_nodes, set_parameter
from workbench.document.graph import Node
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.network import Network, ResolvedNode

BOUNDED = ("relu", "relu6", "sigmoid", "tanh", "hardsigmoid", "softplus", "softsign")
SQUASHING = (*BOUNDED, "softmax", "logsoftmax")
"""Activations that keep numbers within bounds."""


def head(network: Network) -> ResolvedNode | None:
    """Return the node that feeds the Output; None while there is none."""
    outputs = network.outputs
    known = {node.id: node for node in network.nodes}
    return known.get(outputs[0].inputs[0]) if outputs and outputs[0].inputs else None


def softmax_node(network: Network) -> ResolvedNode | None:
    """Return the last node if it turns logits into probabilities."""
    last = head(network)
    return last if last is not None and activation(last.layer) == "softmax" else None


def activation(layer: Layer) -> str:
    """Return the activation that a layer ends in: a parameter of it, or the layer itself."""
    own = getattr(layer, "activation", None)
    return (own if isinstance(own, str) else layer.id).lower().replace("_", "")


def head_problems(network: Network, info: DataInfo | None) -> Iterator[Problem]:
    """Yield what keeps the head from producing one logit for each class."""
    last = head(network)
    if last is None:
        return
    classes = len(info.classes) if info is not None else 0
    shape = last.output.shape
    if len(shape) != 1:
        yield _not_a_vector(network, last, classes)
    elif classes and shape[0] != classes:
        yield wrong_size(
            network,
            last,
            classes,
            f"The network ends in {last.output} numbers, but the data have {classes} classes.",
            f"The last Dense layer needs {classes} units.",
        )
    elif classes or info is None:
        yield from _bad_activation(last)


def _not_a_vector(network: Network, last: ResolvedNode, classes: int) -> Problem:
    repair = None
    if classes:
        layers = append_layers(network, ("Flatten", {}), dense(classes))
        repair = Repair(f"Add Flatten and Dense {classes}", layers)
    return Problem(
        "error",
        f"The network ends in {last.output.in_words()} ({last.output}), but classification needs "
        "one number for each class.",
        "Add Flatten or a global pooling, then a Dense layer with one unit for each class.",
        last.id,
        repair,
    )


def wrong_size(
    network: Network, last: ResolvedNode, wanted: int, message: str, hint: str
) -> Problem:
    """Return the problem of a head with another number of outputs, and the repair that sets it."""
    node = units_node(network, last)
    if node is not None:
        title = f"Set units of {node.id} to {wanted}"
        repair = Repair(title, lambda e: set_parameter(e, node.id, "units", wanted))
    else:
        repair = Repair(f"Add Dense {wanted}", append_layers(network, dense(wanted)))
    return Problem("error", message, hint, node.id if node is not None else last.id, repair)


def needless_activation(last: ResolvedNode, keeps: str) -> Problem:
    """Return the warning that the activation a head ends in keeps something from being said."""
    name = activation(last.layer)
    return Problem(
        "warning",
        f"{last.id} ends in {name}, which keeps {keeps}.",
        "The last layer needs no activation.",
        last.id,
        Repair(f"Remove the {name}", without_activation(last)),
    )


def _bad_activation(last: ResolvedNode) -> Iterator[Problem]:
    name = activation(last.layer)
    if name == "softmax":
        yield Problem(
            "warning",
            f"{last.id} ends in softmax, which the loss contains already.",
            "Training works, but is more exact without it; probabilities are shown all the same.",
            last.id,
            Repair("Remove the softmax", without_activation(last)),
        )
    elif name in BOUNDED:
        yield needless_activation(last, "the network from being sure of a class")


def without_activation(node: ResolvedNode) -> Callable[[Experiment], Experiment]:
    """Return the edit that takes away the activation a layer ends in."""
    if node.layer.id.lower() != activation(node.layer):
        return lambda e: set_parameter(e, node.id, "activation", "linear", "linear")
    return lambda e: remove_nodes(e, (node.id,))


def units_node(network: Network, last: ResolvedNode) -> ResolvedNode | None:
    """Return the Dense layer that decides the size of the output, behind activations."""
    while not hasattr(last.layer, "units"):
        if last.parameters or len(last.inputs) != 1 or last.output != last.input_types[0]:
            return None
        last = network[last.inputs[0]]
    return last


def dense(units: int) -> tuple[str, dict[str, int]]:
    """Return a Dense layer as `append_layers` takes it."""
    return "Dense", {"units": units}


def append_layers(
    network: Network, *layers: tuple[str, dict[str, int]]
) -> Callable[[Experiment], Experiment]:
    """Return the edit that puts layers before the Output."""
    output = network.outputs[0].id

    def edit(experiment: Experiment) -> Experiment:
        for kind, params in layers:
            at = experiment.graph[output].position
            node = Node(experiment.graph.unused_id(kind.lower()), kind, params, position=at)
            experiment = insert_on_edge(experiment, node, output, 0)
            experiment = move(experiment, {output: (at[0], at[1] + 80)})
        return experiment

    return edit
