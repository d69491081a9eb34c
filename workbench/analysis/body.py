"""Where a network may be parted: a frozen body that gives the same every time, and its head.

What the body gives for a sample depends on the sample alone, so that it need not be computed
again in each epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.document.graph import Node
from workbench.plugin_api.network import Network, ResolvedNode

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment

SMALL_SHARE = 0.05
"""The cut may lie before the end of the body, where values are fewer, if no more than this share
of the body's work is left to be done in each epoch."""

WORTH_SHARE = 0.2
"""Of the network's work, which the body must do at least for keeping to be worth it."""


@dataclass(frozen=True)
class Parting:
    """A network in two: the body runs once for each sample, the head is trained.

    Attributes:
        cut: the node whose outputs are kept.
        body: from the Input to the cut, ending in an Output.
        head: what depends on the cut, which stands there as its Input.
    """

    cut: ResolvedNode
    body: Network
    head: Network

    @property
    def values(self) -> int:
        """Values that are kept of a sample; of one step where samples differ in length."""
        return self.cut.output.size


@dataclass(frozen=True)
class Caching:
    """Whether what the body gives is kept.

    Attributes:
        parting: None: it is not.
        reason: why it is not, or not of all that is frozen, as a sentence, where one would expect
            it; else empty.
    """

    parting: Parting | None = None
    reason: str = ""

    def in_words(self) -> str:
        """Return what will be done, or why it is not, as a sentence; empty if there is nothing."""
        if self.parting is None:
            return self.reason
        per = " a step" if self.parting.cut.output.varies else ""
        values = f"{self.parting.values:,}".replace(",", "\u2009")
        kept = (
            f"The frozen layers up to {self.parting.cut.id} run once for each sample, whose "
            f"{values} values{per} are kept."
        )
        return f"{kept} {self.reason}".rstrip()


def caching(experiment: Experiment, network: Network, catalog: Catalog) -> Caching:
    """Decide whether frozen layers run once for each sample, or for every step.

    Nothing is said where nothing is frozen, or where it is switched off.
    """
    wanted = experiment.training.cache_features
    if wanted == "off":
        return Caching()
    if why := _in_the_way(experiment):
        if wanted == "auto" and _held_cut(network) is None:
            return Caching()
        return Caching(reason=f"{why}, so the frozen layers run in every step.")
    cut, inside = _held_cut(network), _half_frozen(network)
    if cut is None:
        if inside or wanted == "auto":
            return Caching(reason=inside)
        return Caching(
            reason="There is no place behind which all that is trained lies, and before which "
            "all is frozen and draws no random numbers, so that nothing can be kept."
        )
    parting = part(network, cut, catalog)
    if wanted == "auto" and parting.body.multiply_adds < WORTH_SHARE * network.multiply_adds:
        return Caching(reason=inside)
    return Caching(parting, inside)


def _half_frozen(network: Network) -> str:
    """Return that a block's frozen modules run in every step, as others in it are trained."""
    for node in network.nodes:
        if node.adapters:
            continue  # nobody expects what adapters change to be kept
        frozen = sum(spec.frozen for spec in node.weights.values())
        if node.trainable and 0 < frozen < len(node.weights) and node.layer.inner():
            return (
                f"The frozen modules inside {node.id} run in every step, for others in it are "
                "trained: what a block gives is kept only where all of it is frozen."
            )
    return ""


def _in_the_way(experiment: Experiment) -> str:
    """Return what makes the outputs of frozen layers differ from step to step; empty: nothing."""
    training = experiment.training
    if experiment.data.augmentation is not None:
        return "Augmentation changes each sample anew in every epoch"
    if training.mixing is not None:
        return "Training batches are mixed anew in every epoch"
    if training.unfreezing is not None:
        return "Frozen layers begin to be trained on the way"
    if training.averaging is not None:
        return "A running average of the weights is kept, which the kept outputs do not know of"
    return ""


def part(network: Network, cut: str, catalog: Catalog) -> Parting:
    """Part a network at a node that all paths from its Input to its Output lead through."""
    known = {node.id: node for node in network.nodes}
    called = _upstream(known, [node.id for node in network.outputs])
    before = _upstream(known, [cut])
    place = known[cut]
    end = replace(
        network.outputs[0], inputs=(cut,), input_types=(place.output,), output=place.output
    )
    begin = ResolvedNode(
        id=cut,
        layer=catalog.layer(Node(cut, "Input")),
        inputs=(),
        input_types=(place.output,),
        output=place.output,
    )
    body = (*(node for node in network.nodes if node.id in before), end)
    head = (begin, *(n for n in network.nodes if n.id in called and n.id not in before))
    return Parting(place, Network(network.name, body), Network(network.name, head))


def _held_cut(network: Network) -> str | None:
    """Return the best node to part the network at, if a frozen layer lies before one.

    In the order of the nodes, a cut is where all that was computed and is still needed is one
    value. The last one leaves least to do; one shortly before it may have fewer values.
    """
    known = {node.id: node for node in network.nodes}
    if len(network.outputs) != 1 or len(network.inputs) != 1:
        return None
    called = _upstream(known, [network.outputs[0].id])
    held: set[str] = set()
    for node in network.nodes:
        if node.id in called and set(node.inputs) <= held and _is_held(node):
            held.add(node.id)
    if network.outputs[0].id in held:
        return None
    last_use: dict[str, int] = {}
    needed = [node for node in network.nodes if node.id in called]
    # All that is held comes first: nothing of it depends on what is not.
    needed.sort(key=lambda node: node.id not in held)
    for place, node in enumerate(needed):
        last_use |= dict.fromkeys(node.inputs, place)
    alive: set[str] = set()
    work, frozen = 0, False
    cuts: list[tuple[int, ResolvedNode]] = []
    for place, node in enumerate(needed[: len(held)]):
        alive = {each for each in alive if last_use[each] > place} | {node.id}
        work += node.multiply_adds
        frozen = frozen or bool(node.weights) or node.layer.is_fixed
        if frozen and len(alive) == 1 and node.output.dtype == "float32":
            cuts.append((work, node))
    near = [node for done, node in cuts if work - done <= SMALL_SHARE * work]
    if near:
        return min(reversed(near), key=lambda node: node.output.size).id
    return cuts[-1][1].id if cuts else None


def _is_held(node: ResolvedNode) -> bool:
    """Whether a node gives the same for the same inputs in every step of the training.

    A frozen node with weights runs as in evaluation, dropout and statistics included.
    """
    if node.weights:
        return node.is_frozen
    return not (node.layer.is_random or node.layer.is_over_batch)


def _upstream(known: dict[str, ResolvedNode], ends: list[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(ends)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(known[node].inputs)
    return seen
