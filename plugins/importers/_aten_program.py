"""Walks what torch.export makes of a network, operation by operation.

torch.export runs a network once on made-up values, so that Python's branches and arithmetic of
shapes are settled, and leaves the ATen operations in their order
(https://docs.pytorch.org/docs/stable/export.html).
"""

from __future__ import annotations

import operator
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.importers._aten import BATCH, Call, Walk
from plugins.importers._attending import attentions, multi_head_attention
from plugins.importers._fusing import fuse
from plugins.importers._graphs import operation_of
from plugins.importers._tidying import tidied
from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from workbench.document.graph import Graph


@dataclass(frozen=True)
class Expanded:
    """A network of PyTorch as layers of the catalogue.

    Attributes:
        inputs, outputs: of the network, in its order; their axes are PyTorch's names for ours.
        used: names in the state dict of the weights that play a part.
        parameters: numbers that training can change, those without a part left out.
        changed: what is not as it was, in words.
        skipped: what was left out, in words.
    """

    graph: Graph
    weights: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    used: frozenset[str]
    parameters: int
    changed: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def expand(module: Any, input_shape: tuple[int, int, int]) -> Expanded:
    """Turn a module in evaluation mode, which takes pictures, into layers of the catalogue.

    Args:
        input_shape: height, width, channels.

    Raises:
        NotCoveredError: it does what no layer here does, cannot be traced, or gives something
            else than one number for each class.
    """
    import torch

    height, width, channels = input_shape
    program = exported(module.eval(), torch.zeros(BATCH, channels, height, width))
    leaves = {path for path, part in module.named_modules() if not list(part.children())}
    found = expand_program(program, leaves, ((2, 0, 1),))
    if len(found.outputs) != 1 or found.outputs[0].rank != 1:
        raise NotCoveredError("The network gives something else than one number for each class.")
    return found


def exported(module: Any, *examples: Any) -> Any:
    """Return torch.export's program of a module as it is; raises NotCoveredError without one."""
    import torch

    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return torch.export.export(module, examples, strict=False)
    except NotCoveredError:
        raise
    except Exception as error:  # whatever a network's own code raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise NotCoveredError(
            f"PyTorch cannot trace this network: {type(error).__name__}: {reason[:200]}"
        ) from error


def expand_program(
    program: Any,
    leaves: Collection[str] = (),
    orders: Sequence[tuple[int, ...]] = (),
    batch: int = BATCH,
    steps: int = 0,
) -> Expanded:
    """Turn an exported program into layers of the catalogue.

    Args:
        leaves: modules without modules in them, which give nodes their names.
        orders: how the axes of each input are named here, see Value; none: as they lie.
        batch: samples that it was exported with.
        steps: tokens of the texts that it was exported with, which may have any number; else 0.

    Raises:
        NotCoveredError: it does what no layer here does.
    """
    from plugins.importers._aten_operations import OPERATIONS

    fuse(program.graph)
    attentions(program, batch)
    walk = Walk(steps=steps)
    values = _placeholders(walk, program, orders, batch)
    inputs = tuple(value for value in values.values() if isinstance(value, Value))
    results: Sequence[Any] = ()
    for node in program.graph.nodes:
        if node.op == "output":
            results = node.args[0]
            continue
        if node.op != "call_function":
            continue
        if node.target is operator.getitem:
            container, index = node.args
            found = values[container][index]
            values[node] = found() if callable(found) else found
            continue
        call = _call(node, values, leaves, batch)
        if _is_of_weights(call):
            values[node] = _computed(node, values)
            continue
        handler = OPERATIONS.get(call.operation)
        if handler is None:
            raise NotCoveredError(
                f"{call.where} computes “{call.operation}”, for which there is no layer here."
            )
        values[node] = handler(walk, call)
        if _is_in_place(node) and isinstance(values[node], Value):
            values[node.args[0]] = values[node]  # whoever comes later sees what was changed
    outputs = _finished(walk, [values.get(each) for each in results])
    return Expanded(
        tidied(walk.builder.graph(), walk.shapes, walk.builder.weights),
        walk.builder.weights,
        inputs,
        outputs,
        frozenset(walk.used),
        sum(walk.sizes.get(name, 0) for name in walk.used) + walk.added,
        tuple(walk.changed),
        tuple(walk.skipped),
    )


def _placeholders(
    walk: Walk, program: Any, orders: Sequence[tuple[int, ...]], batch: int
) -> dict[Any, Any]:
    """Return the values of the graph's placeholders: inputs and weights."""
    from torch.export.graph_signature import InputKind

    places = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    given = iter(orders)
    values: dict[Any, Any] = {}
    sizes = {}
    for spec in program.graph_signature.input_specs:
        place = places.get(spec.arg.name)
        if place is None:
            continue
        if spec.kind == InputKind.USER_INPUT:
            values[place] = _input(walk, place, next(given, None), batch)
            continue
        found = program.state_dict.get(spec.target)
        tensor = program.constants[spec.target] if found is None else found
        is_trained = spec.kind == InputKind.PARAMETER
        values[place] = Array(tensor.detach(), (spec.target,), is_trained)
        if is_trained:
            sizes[spec.target] = tensor.numel()
    walk.sizes = sizes
    return values


def _input(walk: Walk, place: Any, order: tuple[int, ...] | None, batch: int) -> Value:
    made_up = place.meta["val"]
    if not hasattr(made_up, "shape") or not len(made_up.shape) or made_up.shape[0] != batch:
        raise NotCoveredError(
            f"The input {place.name} is not one sample after the other; a document takes nothing "
            "else."
        )
    lengths = tuple(made_up.shape[1:])
    order = tuple(range(len(lengths))) if order is None else order
    shape = [0] * len(lengths)
    for axis, length in zip(order, lengths, strict=True):
        shape[axis] = length
    dtype = str(made_up.dtype).removeprefix("torch.")
    return Value(walk.builder.add("Input", "input"), tuple(shape), order, dtype=dtype)


def _call(node: Any, values: Mapping[Any, Any], leaves: Collection[str], batch: int) -> Call:
    import torch

    arguments = {
        name: torch.fx.node.map_arg(given, lambda arg: values[arg])
        for name, given in _named(node).items()
    }
    modules = list(node.meta.get("nn_module_stack", {}).values())
    path = modules[-1][0] if modules else ""
    return Call(
        operation_of(node),
        path,
        arguments,
        node.meta.get("val"),
        tuple(operation_of(user) for user in node.users),
        path in leaves,
        batch,
    )


def _named(node: Any) -> dict[str, Any]:
    """Return the arguments of a node of a graph by name, defaults filled in."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        if node.target is multi_head_attention:
            return dict(node.kwargs)
        raise NotCoveredError(f"The network computes “{node.target}”, which is no layer here.")
    rest = {each.name: each.default_value for each in schema.arguments[len(node.args) :]}
    names = [each.name for each in schema.arguments]
    return {**dict(zip(names, node.args, strict=False)), **rest, **node.kwargs}


def _is_in_place(node: Any) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and bool(schema.name.endswith("_"))


def _is_of_weights(call: Call) -> bool:
    """Whether an operation computes with weights and numbers alone, as of a kernel or zeros."""
    return not any(isinstance(item, Value) for item in _tensors(call.arguments.values()))


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
    is_view = len(found) == 1 and operation_of(node) in _VIEWS

    def array(tensor: Any) -> Array:
        is_computed = not is_view or any(item.is_computed for item in found)
        return Array(tensor, names, is_trained, is_computed)

    if isinstance(result, tuple | list):
        return [array(tensor) for tensor in result]
    return array(result)


_VIEWS = (
    *("view", "reshape", "unsqueeze", "squeeze", "alias", "detach", "flatten", "permute", "t"),
    *("transpose", "contiguous", "clone", "detach_"),
)


def _finished(walk: Walk, results: Sequence[Any]) -> tuple[Value, ...]:
    """Add an Output for each result, and return what arrives there."""
    found = []
    for value in results:
        if not isinstance(value, Value) or value.pads or value.batch:
            raise NotCoveredError("The network gives something else than what its layers compute.")
        if value.rows is not None:
            raise NotCoveredError("The network ends in a picture laid out in one row.")
        found.append(value)
        walk.builder.add("Output", "output", [value.node])
    twice = [name for name, count in walk.used.items() if count > 1]
    if twice:
        raise NotCoveredError(
            f"The network uses {twice[0]} in {walk.used[twice[0]]} places; "
            "layers here share no weights."
        )
    return tuple(found)
