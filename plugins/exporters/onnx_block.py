"""Puts networks that are kept as ONNX files into an exported file, each at its place.

PyTorch traces the network with an operator of our own in the place of each; in what it writes,
their nodes are replaced by the graphs of the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.importers._onnx_entry import INPUT, REAL, rename
from plugins.importers._onnx_graph import sources_of
from plugins.layers.onnx_network import OnnxNetwork
from plugins.layers.pretrained import Pretrained
from workbench.errors import UserError, first_line
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network, ResolvedNode

DOMAIN, KIND = "workbench", "Kept"
"""Of the operator that stands for a file while PyTorch traces."""


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
    """Refuse networks in an ONNX file that cannot take any number of samples at once."""
    found = []
    for node in network.nodes:
        layer, reason = node.layer, ""
        if not isinstance(layer, OnnxNetwork):
            continue
        if layer.batch:
            reason = "it takes a fixed number of samples at a time"
        elif layer.alone and node.input_types[0].varies:
            reason = "it has no mask, so that texts of each length have to run by themselves"
        if reason:
            message = f"ONNX cannot hold {node.id}: {reason}."
            found.append(Limit(message=message, node=node.id, refuses=True))
    others = [each for each in network.nodes if not isinstance(each.layer, OnnxNetwork)]
    return found + programs_in(type(network)(network.name, tuple(others)), "ONNX")


def opset_for(request: ExportRequest) -> int:
    """Return the version of operators that is wanted, or a newer one where a file has that."""
    return max([request.options.opset, *map(_opset, _bodies(request))])


def stand_ins(request: ExportRequest) -> Callable[[Any], None]:
    """Return what lets a generated module trace an operator in the place of each file."""
    operator = _operator()
    known = {}
    for number, (node, layer) in enumerate(_blocks(request.network)):
        content = (request.assets / layer.asset).read_bytes()
        known[content, layer.end or layer.result] = number, layer.end_of(node.input_types)

    def put(module: Any) -> None:
        # The class is a generated one, so that it is told by its name alone.
        for each in (part for part in module.modules() if type(part).__name__ == "OnnxNetwork"):
            number, part = known[each.content, each.end]
            assert part.shape is not None
            sizes = [-1 if size is None else size for size in part.shape]
            if part.channels_first and len(sizes) > 1:
                sizes = [sizes[-1], *sizes[:-1]]

            def forward(
                x: Any, real: Any = None, key: str = str(number), sizes: Any = sizes
            ) -> Any:
                return operator(x, real, key, sizes)

            each.forward = forward

    return put


def translations() -> dict[Any, Callable[..., Any]]:
    """Return how the operator is written: as a node that `merged` replaces."""
    from onnx.defs import OpSchema
    from onnxscript import values

    given = OpSchema.FormalParameter
    schema = OpSchema(
        KIND,
        DOMAIN,
        1,
        inputs=[
            given("x", "T"),
            given("real", "tensor(bool)", param_option=OpSchema.FormalParameterOption.Optional),
        ],
        outputs=[given("y", "tensor(float)")],
        type_constraints=[("T", ["tensor(float)", "tensor(int64)"], "")],
        attributes=[OpSchema.Attribute("key", OpSchema.AttrType.STRING, "", required=True)],
    )
    kept = values.Op(values.Opset(DOMAIN, 1), KIND, schema)

    def translated(x: Any, real: Any, key: str, sizes: Any) -> Any:
        return kept(x, real, key=key)

    translated.__annotations__ = {}
    return {_operator(): translated}


def merged(request: ExportRequest, model: Any) -> Any:
    """Return an ONNX model with the graphs of files in the place of the nodes for them.

    Raises:
        UserError: a file's operators cannot be brought to the version of the others.
    """
    bodies, nodes, graph = list(_bodies(request)), [], model.graph
    domains = {each.domain for each in model.opset_import}
    for node in graph.node:
        if (node.domain, node.op_type) != (DOMAIN, KIND):
            nodes.append(node)
            continue
        key = int(node.attribute[0].s)
        body = _placed(_of_version(bodies[key], _opset(model)), node)
        nodes.extend(body.graph.node)
        graph.initializer.extend(body.graph.initializer)
        model.opset_import.extend(e for e in body.opset_import if e.domain not in domains)
        domains.update(each.domain for each in body.opset_import)
        model.ir_version = max(model.ir_version, body.ir_version)
    del graph.node[:]
    graph.node.extend(nodes)
    imports = [each for each in model.opset_import if each.domain != DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(imports)
    return model


def _operator() -> Any:
    """Return the operator of PyTorch that stands for a file; it has shapes and no values."""
    import torch

    name = f"{DOMAIN}::{KIND.lower()}"
    found = getattr(getattr(torch.ops, DOMAIN), KIND.lower(), None)
    if found is None:
        torch.library.define(name, "(Tensor x, Tensor? real, str key, int[] sizes) -> Tensor")

        @torch.library.register_fake(name)
        def shaped(x: Any, real: Any, key: str, sizes: Sequence[int]) -> Any:
            found = [x.shape[1] if size < 0 else size for size in sizes]
            return x.new_empty((x.shape[0], *found), dtype=torch.float32)

        found = getattr(getattr(torch.ops, DOMAIN), KIND.lower())
    return found.default


def _bodies(request: ExportRequest) -> Sequence[Any]:
    """Return the files of all blocks, in the order of the nodes, each up to its end."""
    return [_body(layer, request.assets) for _, layer in _blocks(request.network)]


def _blocks(network: Network) -> Sequence[tuple[ResolvedNode, OnnxNetwork]]:
    layers = ((node, node.layer) for node in network.nodes)
    return [(node, layer) for node, layer in layers if isinstance(layer, OnnxNetwork)]


def _body(layer: OnnxNetwork, assets: Path) -> Any:
    import onnx
    from onnx import helper

    model = onnx.load(assets / layer.asset)
    end = layer.end or layer.result
    for field in (model.graph.output, model.graph.value_info):
        del field[:]
    model.graph.output.append(helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, None))
    _keep_needed(model.graph, end)
    return model


def _opset(model: Any) -> int:
    return int(next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")))


def _of_version(body: Any, opset: int) -> Any:
    import onnx

    if _opset(body) >= opset:
        return body
    try:
        return onnx.version_converter.convert_version(body, opset)
    except Exception as error:  # the converter has kinds of its own
        raise UserError(
            f"The file of a network that is kept is written with version {_opset(body)} of ONNX' "
            f"operators, and cannot be brought to version {opset}: {first_line(error)}.",
            "Convert the file before it is imported, or choose another format.",
        ) from error


def _placed(body: Any, node: Any) -> Any:
    """Return a file with names of its own, between what the node takes and what it gives."""
    import onnx
    from onnx import TensorProto, helper

    prefix = f"{node.name or node.output[0]}/"
    (end,) = (each.name for each in body.graph.output)
    body = onnx.compose.add_prefix(body, prefix)
    taken = dict(zip((f"{prefix}{INPUT}", f"{prefix}{REAL}"), node.input, strict=False))
    if real := taken.get(f"{prefix}{REAL}"):
        whole = f"{prefix}{REAL}__whole"
        cast = helper.make_node("Cast", [real], [whole], to=TensorProto.INT64)
        rest = list(body.graph.node)
        del body.graph.node[:]
        body.graph.node.extend([cast, *rest])
        taken[f"{prefix}{REAL}"] = whole
    rename(body.graph, {**taken, f"{prefix}{end}": node.output[0]})
    return body


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
