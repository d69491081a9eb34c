"""What tasks with an answer at each step want of a network: one logit for each class a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.tasks.classification_head import (
    BOUNDED,
    activation,
    head,
    needless_activation,
    without_activation,
    wrong_size,
)
from workbench.document.edits import set_parameter
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.network import Network, ResolvedNode

STEPLESS = ("Flatten", "GlobalAveragePool", "GlobalMaxPool", "PickToken")
"""Layers after which there are no steps any more."""


def step_head_problems(
    network: Network, classes: int, what: str, task: str, steps: int | None = None
) -> Iterator[Problem]:
    """Yield what keeps the head from producing one logit for each class at each step.

    Args:
        classes: how many there are; 0 while that is not known.
        what: one of them, for people: "token".
    """
    last = head(network)
    if last is None:
        return
    shape, given = last.output.shape, network.inputs[0].output if network.inputs else None
    if len(shape) != 2 or last.output.axes[0] != "time":
        yield Problem(
            "error",
            f"The network ends in {last.output.in_words() or 'one number'} ({last.output}), but "
            f"{task} needs one number for each {what} at every step.",
            _hint(network, what),
            last.id,
        )
    elif given is not None and given.shape and shape[0] != given.shape[0]:
        yield Problem(
            "error",
            f"The network takes {_steps(given.shape[0])} but answers for {_steps(shape[0])}.",
            "Leave out what changes the number of steps: pooling, strides, convolutions without "
            "padding.",
            last.id,
        )
    elif classes and shape[1] != classes:
        several = f"{classes} {'classes' if what == 'class' else what + 's'}"
        yield wrong_size(
            network,
            last,
            classes,
            f"The network ends in {shape[1]} numbers a step, but the data have {several}.",
            f"The last Dense layer needs {classes} units.",
        )
    else:
        yield from _bad_activation(last, what)


def causal_problems(network: Network) -> Iterator[Problem]:
    """Yield layers that see later steps: what is to be foretold would be no secret."""
    for node in network.nodes:
        reason, repair = _looks_ahead(node)
        if reason:
            yield Problem(
                "error",
                f"{node.id} {reason}, so it sees the very tokens that are to be foretold.",
                "Make it causal, or use a Transformer decoder, an LSTM in one direction or a "
                "causal convolution.",
                node.id,
                repair,
            )


def _looks_ahead(node: ResolvedNode) -> tuple[str, Repair | None]:
    layer = node.layer
    if not node.input_types or node.input_types[0].axes[:1] != ("time",):
        return "", None
    if layer.id == "TransformerEncoder":
        return "looks at all steps", None
    if getattr(layer, "causal", True) is False and layer.category == "Attention":
        return "looks at all steps", _set(node, "causal", True)
    if getattr(layer, "direction", "forward") != "forward":
        return "reads from the end, too", _set(node, "direction", "forward")
    if getattr(layer, "padding", "causal") != "causal" and _spans(layer):
        is_conv = layer.category == "Convolution"
        repair = _set(node, "padding", "causal") if is_conv else None
        return "looks at steps on both sides", repair
    return "", None


def _spans(layer: Layer) -> bool:
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", 2)
    return size not in (1, (1,))


def _set(node: ResolvedNode, name: str, value: object) -> Repair:
    words = f"Set {name.replace('_', ' ')} of {node.id} to {value}"
    return Repair(words, lambda e: set_parameter(e, node.id, name, value))


def _hint(network: Network, what: str) -> str:
    named = [node.id for node in network.nodes if node.layer.id in STEPLESS]
    recurrent = [
        node.id for node in network.nodes if getattr(node.layer, "sequences", True) is False
    ]
    if recurrent:
        first = f"Let {recurrent[-1]} return all steps, and end"
    elif named:
        first = f"Leave out {named[-1]}, and end"
    else:
        first = "End"
    return f"{first} in a Dense layer with a unit for each {what}."


def _steps(count: int | None) -> str:
    return "any number of steps" if count is None else f"{count} steps"


def _bad_activation(last: ResolvedNode, what: str) -> Iterator[Problem]:
    name = activation(last.layer)
    if name == "softmax":
        yield Problem(
            "error",
            f"{last.id} ends in softmax, which the loss contains already.",
            "The last layer needs no activation; probabilities are shown all the same.",
            last.id,
            Repair("Remove the softmax", without_activation(last)),
        )
    elif name in BOUNDED:
        yield needless_activation(last, f"the network from being sure of a {what}")
