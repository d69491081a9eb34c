"""Walks what torch.export makes of a network, operation by operation.

torch.export runs a network once on made-up values, so that Python's branches and arithmetic of
shapes are settled, and leaves the ATen operations in their order
(https://docs.pytorch.org/docs/stable/export.html).
"""

from __future__ import annotations

import operator
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugins.importers._building import GraphBuilder
from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from workbench.document.graph import Graph

BATCH = 7
"""Samples that a network is traced with: a number that no other axis is likely to have."""


@dataclass(frozen=True)
class Call:
    """One operation of the exported graph.

    Attributes:
        operation: ATen's name without overload and without the mark of working in place.
        path: dotted name of the module that does it, in the network.
        arguments: by the names of ATen's schema, defaults filled in; tensors are Values or Arrays.
        result: the made-up tensor (or tensors) that it gives.
        users: names of the operations that take the result.
        is_leaf: whether the module has no modules in it, so that its name tells what it does.
    """

    operation: str
    path: str
    arguments: Mapping[str, Any]
    result: Any
    users: tuple[str, ...] = ()
    is_leaf: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result in PyTorch, without the batch.

        Raises:
            NotCoveredError: the batch is no axis of its own any more.
        """
        first, *rest = self.result.shape
        if first != BATCH:
            raise NotCoveredError(
                f"{self.where} mixes the samples of a batch with what is in them "
                f"({self.operation}), which no layer here does."
            )
        return tuple(rest)

    def value(self, name: str) -> Value:
        """Return an argument that layers have computed; raises NotCoveredError for others."""
        return self.settled(self.arguments[name])

    def settled(self, value: Any) -> Value:
        """Return a value that needs no padding any more.

        Raises:
            NotCoveredError: it is a weight, or what pads is not followed by what can take it in.
        """
        if not isinstance(value, Value):
            raise NotCoveredError(
                f"{self.where} computes “{self.operation}” of weights and values together, for "
                "which there is no layer here."
            )
        if value.pads:
            raise NotCoveredError(f"{self.where} pads in a way that no layer here does.")
        return value

    @property
    def where(self) -> str:
        """The module, for a person."""
        return f"“{self.path}”" if self.path else "The network"


@dataclass
class Walk:
    """A walk in progress: the document as far as it is built."""

    builder: GraphBuilder = field(default_factory=GraphBuilder)
    used: dict[str, int] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def node(
        self,
        call: Call,
        kind: str,
        inputs: Sequence[Value],
        params: Mapping[str, Any] | None = None,
        *,
        weights: Mapping[str, Any] | None = None,
        arrays: Sequence[Array | None] = (),
        name: str = "",
    ) -> str:
        """Add a node, named after the module that has its weights, or that does it.

        Args:
            weights: canonical arrays by canonical name.
            arrays: what they were made of, to know what was used.
        """
        for array in arrays:
            for own in array.names if array is not None else ():
                self.used[own] = self.used.get(own, 0) + 1
        named = [own for array in arrays if array is not None for own in array.names]
        place = call.path
        if named:
            place = named[0] if kind == "Scale" else named[0].rpartition(".")[0]
        elif name or not call.is_leaf:
            place = ".".join(part for part in (place, name or call.operation) if part)
        given = {
            key: None if tensor is None else tensor.numpy()
            for key, tensor in (weights or {}).items()
        }
        sources = [value.node for value in inputs]
        around = call.path.rpartition(".")[0] if call.is_leaf else call.path
        group = around.replace(".", "/")
        return self.builder.add(kind, place, sources, params, given, group=group)

    def ordered(self, call: Call, value: Value, order: Sequence[int]) -> Value:
        """Return the value with its axes in the order that a layer wants, permuted if need be."""
        wanted = tuple(order)
        if value.order == wanted:
            return value
        axes = [0] * value.rank
        for place, axis in enumerate(wanted):
            axes[axis] = value.order[place]
        shape = tuple(value.shape[axis] for axis in axes)
        one_based = [axis + 1 for axis in axes]
        node = self.node(call, "Permute", [value], {"axes": one_based}, name="permute")
        return Value(node, shape, wanted)

    def channels_first(self, call: Call, value: Value) -> Value:
        """Return the value as convolutions take it: PyTorch's first axis is the last one here."""
        return self.ordered(call, value, (value.rank - 1, *range(value.rank - 1)))


@dataclass(frozen=True)
class Expanded:
    """A network of PyTorch as layers of the catalogue.

    Attributes:
        used: names in the state dict of the weights that play a part.
        changed: what is not as it was, in words.
    """

    graph: Graph
    weights: Mapping[str, Any]
    used: frozenset[str]
    changed: tuple[str, ...]


def expand(module: Any, input_shape: tuple[int, int, int]) -> Expanded:
    """Turn a module in evaluation mode into layers of the catalogue.

    Args:
        input_shape: height, width, channels.

    Raises:
        NotCoveredError: it does what no layer here does, or cannot be traced.
    """
    from plugins.importers._aten_operations import OPERATIONS

    program = exported(module, input_shape)
    walk = Walk()
    values = _inputs(walk, program, input_shape)
    leaves = {path for path, part in module.named_modules() if not list(part.children())}
    output: Any = None
    for node in program.graph.nodes:
        if node.op == "output":
            (output,) = node.args[0] if len(node.args[0]) == 1 else (node.args[0],)
            continue
        if node.op != "call_function":
            continue
        if node.target is operator.getitem:
            container, index = node.args
            found = values[container][index]
            values[node] = found() if callable(found) else found
            continue
        call = _call(node, values, leaves)
        if call.arguments and _is_of_weights(call):
            values[node] = _computed(node, values)
            continue
        handler = OPERATIONS.get(call.operation)
        if handler is None:
            raise NotCoveredError(
                f"{call.where} computes “{call.operation}”, for which there is no layer here."
            )
        values[node] = handler(walk, call)
        if node.target._schema.name.endswith("_") and isinstance(values[node], Value):
            values[node.args[0]] = values[node]  # whoever comes later sees what was changed
    _finish(walk, values, output)
    return Expanded(
        walk.builder.graph(), walk.builder.weights, frozenset(walk.used), tuple(walk.changed)
    )


def exported(module: Any, input_shape: tuple[int, int, int]) -> Any:
    """Return torch.export's program of a module; raises NotCoveredError when there is none."""
    import torch

    height, width, channels = input_shape
    example = torch.zeros(BATCH, channels, height, width)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return torch.export.export(module.eval(), (example,), strict=False)
    except Exception as error:  # whatever a network's own code raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise NotCoveredError(
            f"PyTorch cannot trace this network: {type(error).__name__}: {reason[:200]}"
        ) from error


def _inputs(walk: Walk, program: Any, input_shape: tuple[int, int, int]) -> dict[Any, Any]:
    """Return the values of the graph's placeholders: weights, and one picture."""
    from torch.export.graph_signature import InputKind

    places = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    values: dict[Any, Any] = {}
    for spec in program.graph_signature.input_specs:
        place = places[spec.arg.name]
        if spec.kind == InputKind.USER_INPUT:
            node = walk.builder.add("Input", "input")
            values[place] = Value(node, input_shape, (2, 0, 1))
            continue
        found = program.state_dict.get(spec.target)
        tensor = program.constants[spec.target] if found is None else found
        is_trained = spec.kind == InputKind.PARAMETER
        values[place] = Array(tensor.detach(), (spec.target,), is_trained)
    return values


def _call(node: Any, values: Mapping[Any, Any], leaves: Collection[str]) -> Call:
    import torch

    if not isinstance(node.target, torch._ops.OpOverload):
        raise NotCoveredError(f"The network computes “{node.target}”, which is no layer here.")
    schema = node.target._schema
    arguments = {}
    for index, argument in enumerate(schema.arguments):
        if index < len(node.args):
            given = node.args[index]
        else:
            given = node.kwargs.get(argument.name, argument.default_value)
        arguments[argument.name] = torch.fx.node.map_arg(given, lambda arg: values[arg])
    modules = list(node.meta.get("nn_module_stack", {}).values())
    path = modules[-1][0] if modules else ""
    return Call(
        schema.name.split("::")[-1].rstrip("_"),
        path,
        arguments,
        node.meta.get("val"),
        tuple(_operation(user) for user in node.users),
        path in leaves,
    )


def _operation(node: Any) -> str:
    schema = getattr(node.target, "_schema", None)
    return schema.name.split("::")[-1].rstrip("_") if schema is not None else str(node.target)


def _is_of_weights(call: Call) -> bool:
    """Whether an operation computes with weights alone, such as standardising a kernel."""
    found = list(_tensors(call.arguments.values()))
    return bool(found) and all(isinstance(item, Array) for item in found)


def _tensors(arguments: Any) -> Any:
    for item in arguments:
        if isinstance(item, Value | Array):
            yield item
        elif isinstance(item, list | tuple):
            yield from _tensors(item)


def _computed(node: Any, values: Mapping[Any, Any]) -> Any:
    """Compute with weights now; what comes out is a weight like any other."""
    import torch

    found: list[Array] = []

    def real(arg: Any) -> Any:
        found.append(values[arg])
        return values[arg].tensor

    args = torch.fx.node.map_arg(node.args, real)
    kwargs = torch.fx.node.map_arg(node.kwargs, real)
    with torch.no_grad():
        result = node.target(*args, **kwargs)
    names = tuple(dict.fromkeys(name for array in found for name in array.names))
    is_trained = any(array.is_trained for array in found)
    is_view = len(found) == 1 and _operation(node) in _VIEWS

    def array(tensor: Any) -> Array:
        is_computed = not is_view or any(item.is_computed for item in found)
        return Array(tensor, names, is_trained, is_computed)

    if isinstance(result, tuple | list):
        return [array(tensor) for tensor in result]
    return array(result)


_VIEWS = ("view", "reshape", "unsqueeze", "squeeze", "alias", "detach", "flatten", "permute", "t")


def _finish(walk: Walk, values: Mapping[Any, Any], output: Any) -> None:
    value = values.get(output) if not isinstance(output, tuple | list) else None
    if not isinstance(value, Value):
        raise NotCoveredError("The network has several outputs; a document here has one.")
    if value.rows is not None:
        raise NotCoveredError("The network ends in a picture laid out in one row.")
    if value.order != tuple(range(value.rank)) and value.rank > 1:
        raise NotCoveredError("The network gives a picture, not one number for each class.")
    walk.builder.add("Output", "output", [value.node])
    twice = [name for name, count in walk.used.items() if count > 1]
    if twice:
        raise NotCoveredError(
            f"The network uses {twice[0]} in {walk.used[twice[0]]} places; "
            "layers here share no weights."
        )
