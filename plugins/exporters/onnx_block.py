"""Puts a network that is kept as an ONNX file in front of the layers behind it, in one file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.pytorch.code import boundary_layout
from plugins.importers._onnx_graph import sources_of
from plugins.layers.io import Input
from plugins.layers.onnx_network import OnnxNetwork
from plugins.layers.pretrained import Pretrained
from workbench.errors import UserError, first_line
from workbench.plugin_api.exporter import Limit
from workbench.plugin_api.network import Network, ResolvedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.plugin_api.exporter import ExportRequest

BODY, HEAD = "body/", "head/"
"""Before the names of tensors, so that none is there twice."""


def programs_in(network: Network, format: str) -> list[Limit]:
    """Refuse programs that a format cannot hold: those of onnxruntime, and TorchScript."""
    found = []
    for node in network.nodes:
        reason = ""
        if isinstance(node.layer, OnnxNetwork):
            reason = "which onnxruntime runs"
        if isinstance(node.layer, Pretrained):
            if node.layer.library == "TorchScript":
                reason = "which is TorchScript"
            elif node.layer.batch:
                reason = "which takes a fixed number of samples"
        if reason:
            message = f"{format} cannot hold {node.id}, {reason}."
            found.append(Limit(message=message, node=node.id, refuses=True))
    return found


def beyond_merging(network: Network) -> list[Limit]:
    """Refuse such networks in an ONNX file, where they do not simply come first."""
    found = [node for node in network.nodes if isinstance(node.layer, OnnxNetwork)]
    if not found:
        return programs_in(network, "ONNX")
    inputs = {node.id for node in network.inputs}
    reason = ""
    for node in found:
        if len(found) > 1:
            reason = "there are several such networks"
        elif any(each is not node and inputs.intersection(each.inputs) for each in network.nodes):
            reason = "it does not alone follow the Input"
        elif not inputs.issuperset(node.inputs):
            reason = "other layers come before it"
        elif node.layer.batch:  # type: ignore[attr-defined]
            reason = "it takes a fixed number of samples"
    if not reason:
        return []
    message = f"ONNX cannot hold {found[0].id} as it stands here: {reason}."
    return [Limit(message=message, node=found[0].id, refuses=True)]


def merged(request: ExportRequest, write: Callable[[ExportRequest], Any]) -> Any:
    """Return an ONNX model of the block and what follows it, without metadata.

    Args:
        write: returns the ONNX model of a request without blocks.

    Raises:
        UserError: the file's operators cannot be brought to the wanted version.
    """
    import onnx

    (block,) = (n for n in request.network.nodes if isinstance(n.layer, OnnxNetwork))
    body = _body(request, block)
    opset = max(_opset(body), request.options.opset)
    options = type(request.options)(softmax=request.options.softmax, opset=opset)
    head = write(_head(replace(request, options=options), block))
    if _opset(body) < _opset(head):
        try:
            body = onnx.version_converter.convert_version(body, _opset(head))
        except Exception as error:  # the converter has kinds of its own
            raise UserError(
                f"{block.id} is written with version {_opset(body)} of ONNX' operators, and "
                f"cannot be brought to version {_opset(head)}: {first_line(error)}.",
                "Convert the file before it is imported, or choose another format.",
            ) from error
    for name in {each.domain for each in body.opset_import} - {
        each.domain for each in head.opset_import
    }:
        (own,) = (each for each in body.opset_import if each.domain == name)
        head.opset_import.append(own)
    body.ir_version = head.ir_version = max(body.ir_version, head.ir_version)
    (given,) = (each.name for each in body.graph.output)
    body = onnx.compose.add_prefix(body, BODY, rename_inputs=False)
    head = onnx.compose.add_prefix(head, HEAD, rename_outputs=False)
    taken = head.graph.input[0].name
    return onnx.compose.merge_models(body, head, io_map=[(f"{BODY}{given}", taken)])


def _opset(model: Any) -> int:
    return int(next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")))


def _body(request: ExportRequest, block: ResolvedNode) -> Any:
    """Return the block's file up to its end, with axes as generated modules have them."""
    import onnx
    from onnx import helper

    layer = block.layer
    assert isinstance(layer, OnnxNetwork)
    model = onnx.load(request.assets / layer.asset)
    graph = model.graph
    end = layer.end or layer.result
    (taken,), (outer,) = graph.input, [block.input_types[0]]
    kind, shape = taken.type.tensor_type.elem_type, [*_sizes(outer)]
    first = boundary_layout(outer) == "channels_first"
    if outer.rank > 1 and first == layer.channels_last:
        order = _order(outer.rank, to_first=not layer.channels_last)
        inner = f"{taken.name}__moved"
        for node in graph.node:
            node.input[:] = [inner if each == taken.name else each for each in node.input]
        move = helper.make_node("Transpose", [taken.name], [inner], perm=order)
        rest = list(graph.node)
        del graph.node[:]
        graph.node.extend([move, *rest])
    graph.input[0].CopyFrom(helper.make_tensor_value_info(taken.name, kind, ["batch", *shape]))
    part, given = layer.last_part, block.output
    wanted = boundary_layout(given) == "channels_first"
    if given.rank > 1 and part.channels_first != wanted:
        order = _order(given.rank, to_first=wanted)
        graph.node.append(helper.make_node("Transpose", [end], [f"{end}__moved"], perm=order))
        end = f"{end}__moved"
    for field in (graph.output, graph.value_info):
        del field[:]
    value = helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, ["batch", *_sizes(given)])
    graph.output.append(value)
    _keep_needed(graph, end)
    return model


def _sizes(tensor: Any) -> Sequence[int]:
    sizes = tensor.shape
    return (*sizes[-1:], *sizes[:-1]) if boundary_layout(tensor) == "channels_first" else sizes


def _order(rank: int, *, to_first: bool) -> list[int]:
    return [0, rank, *range(1, rank)] if to_first else [0, *range(2, rank + 1), 1]


def _keep_needed(graph: Any, end: str) -> None:
    """Leave out the nodes and weights that an output does not need."""
    needed, nodes = {end}, []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            needed.update(sources_of(node))
            nodes.insert(0, node)
    weights = [each for each in graph.initializer if each.name in needed]
    for field, kept in ((graph.node, nodes), (graph.initializer, weights)):
        kept = list(kept)
        del field[:]
        field.extend(kept)


def _head(request: ExportRequest, block: ResolvedNode) -> ExportRequest:
    """Return a request of what follows the block, which stands there as its Input."""
    begin = ResolvedNode(
        id=block.id,
        layer=Input(),
        inputs=(),
        input_types=(block.output,),
        output=block.output,
    )
    inputs = {node.id for node in request.network.inputs}
    rest = (n for n in request.network.nodes if n.id not in inputs and n is not block)
    network = Network(request.network.name, (begin, *rest))
    samples = np.zeros((2, *(size or 1 for size in block.output.shape)), np.float32)
    return replace(request, network=network, sample_inputs=samples, sample_lengths=None)
