"""Walks the functional graph of a Keras model, operation by operation.

Nodes are walked, not layers: a `keras.ops` sum has the class name of the layer, is in no list of
layers, and keeps its constant among its arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._building import GraphBuilder
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.graph import Graph

MASK = "a mask"
"""Stands for a tensor that tells real tokens from those that fill up."""


@dataclass(frozen=True)
class Step:
    """One call of an operation.

    Attributes:
        kind: its class name.
        inputs: nodes of the document that its tensors are.
        shapes: of them, without the batch.
        constants: numbers among its arguments, in order.
        options: its other arguments, by name.
        prefix: of the kinds of layer here that do what it does.
        called: what the model calls it, where that is not the operation's name.
    """

    operation: Any
    kind: str
    is_layer: bool
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    constants: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    called: str = ""

    @property
    def name(self) -> str:
        """What the model calls it."""
        return self.called or str(self.operation.name)

    def without_masks(self) -> Step:
        """Return the step without the masks that it is given.

        Raises:
            NotCoveredError: it computes with them.
        """
        if MASK not in self.inputs:
            return self
        if not self.is_layer:
            raise NotCoveredError(f"{self.where} computes with a mask, which no layer here does.")
        real = [place for place, node in enumerate(self.inputs) if node != MASK]
        return replace(
            self,
            inputs=tuple(self.inputs[place] for place in real),
            shapes=tuple(self.shapes[place] for place in real),
            options={key: given for key, given in self.options.items() if not key.endswith("mask")},
        )

    @property
    def where(self) -> str:
        """The same, for a person."""
        return f"{self.kind} “{self.name}”"


@dataclass
class KerasWalk:
    """A walk in progress: the document as far as it is built.

    Attributes:
        start: the node of the model's input.
        vocabulary: tokens that it looks up in its input; 0: those are numbers.
        masks: whether tokens 0 fill texts up, and are left out.
    """

    builder: GraphBuilder = field(default_factory=GraphBuilder)
    parameters: int = 0
    taken: set[int] = field(default_factory=set)
    changed: list[str] = field(default_factory=list)
    start: str = ""
    vocabulary: int = 0
    masks: bool = False

    def node(
        self,
        step: Step,
        kind: str,
        params: Mapping[str, Any] | None = None,
        *,
        weights: Mapping[str, Any] | None = None,
        inputs: Sequence[str] | None = None,
        name: str = "",
    ) -> str:
        """Add a node of an operation, with canonical weights from variables of Keras."""
        given = {}
        for key, variable in (weights or {}).items():
            given[key] = array(variable)
            self._count(step, variable, key)
        return self.builder.add(
            f"{step.prefix}{kind}",
            f"{step.name}_{name}" if name else step.name,
            step.inputs if inputs is None else inputs,
            params,
            given,
            trainable=bool(getattr(step.operation, "trainable", True)),
            group=block_of(step.name),
        )

    def constant_node(self, step: Step, scale: Any, offset: Any) -> str:
        """Add x · scale + offset by numbers a channel, which training leaves alone."""
        shape = (step.shapes[0][-1],)
        weights = {"gamma": np.broadcast_to(scale, shape), "beta": np.broadcast_to(offset, shape)}
        self.parameters += 2 * shape[0]
        self.changed.append(
            f"The fixed numbers of {step.name} are a frozen Scale layer now, which adds "
            f"{2 * shape[0]} parameters."
        )
        params = {"shift": True}
        return self.builder.add(
            "Scale",
            step.name,
            step.inputs,
            params,
            weights,
            trainable=False,
            group=block_of(step.name),
        )

    def _count(self, step: Step, variable: Any, key: str) -> None:
        if id(variable) in self.taken:
            raise NotCoveredError(
                f"{step.where} is used in several places; layers here share no weights."
            )
        self.taken.add(id(variable))
        if not key.startswith("moving_"):
            self.parameters += int(np.prod(variable.shape))


@dataclass(frozen=True)
class ExpandedKeras:
    """A Keras model as layers of the catalogue."""

    graph: Graph
    weights: Mapping[str, NDArray[np.float32]]
    parameters: int
    changed: tuple[str, ...]
    skipped: tuple[str, ...]
    vocabulary: int = 0
    masks: bool = False


def expand_keras(model: Any) -> ExpandedKeras:
    """Turn a functional or sequential model into layers of the catalogue.

    Raises:
        NotCoveredError: it does what no layer here does, or is no graph of layers.
    """
    model = _functional(model)
    if len(model.inputs) != 1:
        raise NotCoveredError(f"The model has {len(model.inputs)} inputs; a document here has one.")
    walk = KerasWalk()
    walk.start = walk.builder.add("Input", "input")
    for end in _walked(walk, model, [walk.start]):
        walk.builder.add("Output", "output", [end])
    left = [v.path for v in model.weights if id(v) not in walk.taken and "seed" not in v.path]
    skipped = [path for path in left if not path.endswith(("/mean", "/variance", "/count"))]
    return ExpandedKeras(
        walk.builder.graph(),
        walk.builder.weights,
        walk.parameters,
        tuple(walk.changed),
        tuple(skipped),
        walk.vocabulary,
        walk.masks,
    )


_BLOCKS = (
    re.compile(r"(?P<stage>conv\d+)_(?P<block>block\d+)_"),
    re.compile(r"(?P<stage>block\d+)(?P<block>[a-z])_"),
    re.compile(r"(?:.*_)?(?P<stage>stage_?\d+)_(?P<block>block_?\d+)_"),
    re.compile(r"(?P<stage>(?:block|stage|mixed|expanded_conv)_?\d*)[_/]"),
)
"""How names of keras.applications begin: conv2_block1_, block3a_, stage_0_block_1_, block_4_."""


def block_of(name: str) -> str:
    """Return the group that the name of a layer tells, such as "block3/a"; empty for none."""
    found = next((match for pattern in _BLOCKS if (match := pattern.match(name))), None)
    return "/".join(part for part in found.groupdict().values() if part) if found else ""


def array(variable: Any) -> NDArray[np.float32]:
    """Return a variable, or an array, as NumPy has it."""
    if isinstance(variable, np.ndarray | int | float):
        return np.asarray(variable, np.float32)
    from keras import ops

    return np.asarray(ops.convert_to_numpy(variable), np.float32)


def _functional(model: Any) -> Any:
    """Return the graph of layers in a model, which a sequential one keeps inside."""
    graph = getattr(model, "_functional", None) or model
    if not hasattr(graph, "_nodes_by_depth"):
        raise NotCoveredError(
            "The model is a class of its own, not a graph of layers, so that what it does between "
            "its layers is not known.",
            "Only functional and sequential models can be imported.",
        )
    return graph


def _walked(walk: KerasWalk, model: Any, given: Sequence[str]) -> list[str]:
    """Walk a model whose inputs are nodes already, and return the nodes of its outputs."""
    import keras

    from plugins.importers._keras_layers import LAYERS, OPERATIONS

    found: dict[int, str] = {
        id(tensor): node for tensor, node in zip(model.inputs, given, strict=True)
    }
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            operation = node.operation
            if isinstance(operation, keras.layers.InputLayer):
                continue
            step = _step(node, found)
            if _is_mask(step, walk):
                found |= dict.fromkeys(map(id, node.outputs), MASK)
                continue
            step = step.without_masks()
            if isinstance(operation, keras.Model):
                results = _walked(walk, _functional(operation), step.inputs)
            else:
                table = LAYERS if step.is_layer else OPERATIONS
                handler = table.get(step.kind)
                if handler is None:
                    raise NotCoveredError(
                        f"{step.where} is something for which there is no layer here."
                    )
                results = [handler(walk, step)]
            for tensor, result in zip(node.outputs, results, strict=True):
                found[id(tensor)] = result
    return [found[id(tensor)] for tensor in model.outputs]


def _is_mask(step: Step, walk: KerasWalk) -> bool:
    """Whether an operation finds the tokens that fill texts up, or goes on from that."""
    if step.is_layer or not step.inputs:
        return False
    is_first = step.kind == "NotEqual" and step.inputs == (walk.start,) and step.constants == (0,)
    return is_first or set(step.inputs) == {MASK}


def _step(node: Any, found: Mapping[int, str]) -> Step:
    import keras

    tensors = node.arguments.keras_tensors
    others = [*node.arguments.args, *node.arguments.kwargs.values()]
    constants = tuple(
        value
        for value in others
        if isinstance(value, int | float | np.ndarray) and not isinstance(value, bool)
    )
    return Step(
        node.operation,
        type(node.operation).__name__,
        isinstance(node.operation, keras.layers.Layer),
        tuple(found[id(tensor)] for tensor in tensors),
        tuple(tuple(tensor.shape[1:]) for tensor in tensors),
        constants,
        {key: value for key, value in node.arguments.kwargs.items() if value is not None},
    )
