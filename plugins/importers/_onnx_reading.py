"""Opens ONNX files, and says in plain words why one cannot be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OLDEST = 7
LARGEST = 2**31 - 1
"""Bytes that one message of Protocol Buffers can have."""
OWN_DOMAINS = ("", "ai.onnx", "com.microsoft")
QUANTISED = (
    *("QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm", "ConvInteger", "MatMulInteger"),
    *("DynamicQuantizeLinear", "QuantizeLinear", "MatMulNBits", "QAttention", "QLinearSigmoid"),
)

BY_BATCH = (
    *("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM"),
    "MatMulIntegerToFloat",
)
"""Operators that round by the largest value of a batch, so that samples change each other."""


def rounds_by_batch(model: Any) -> bool:
    """Say whether what is given for a sample depends a little on the others of its batch."""
    return any(node.op_type in BY_BATCH for node in nodes_of(model.graph))


def by_batch_in_words(model: Any) -> list[str]:
    """Say that samples run one by one where they would change each other."""
    if not rounds_by_batch(model):
        return []
    return ["It rounds by the values of a whole batch: so each sample runs alone."]


def opened(path: Path, *, is_kept: bool = False) -> Any:
    """Return the model of a file, its functions inlined, all its numbers read.

    Args:
        is_kept: onnxruntime shall run it, whatever it computes.

    Raises:
        UserError: the file is damaged, incomplete or too old.
        NotCoveredError: it has operators of others, or computes with whole numbers.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if path.stat().st_size > LARGEST:
        raise UserError(
            f"{path.name} is larger than 2 GB, which no ONNX file in one piece can be.",
            "Save it with its weights in a file beside it (external data).",
        )
    try:
        model = onnx.load_model(path, load_external_data=False)
    except DecodeError as error:
        raise UserError(
            f"{path.name} is no ONNX file, or only a part of one.",
            "Download or export it again, and compare its size with that of the original.",
        ) from error
    if not model.graph.node:
        raise UserError(f"{path.name} holds no network.", "Export it again.")
    _load_external(model, path)
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    if not is_kept:
        _refuse(model, path.name)
    return model


def session(content: bytes) -> Any:
    """Return onnxruntime's session of a model on the processor, quiet and exact."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


def in_words(names: Sequence[str], most: int = 3) -> str:
    """Return a few names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def opset_of(model: Any) -> int:
    """Return the version of ONNX' own operators."""
    return next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 1)


def made_by(model: Any) -> str:
    """Return the program that wrote a model, in words; empty where it does not say."""
    version = re.split(r"[+ ]", model.producer_version)[0]
    return f"{model.producer_name} {version}".strip()


def _load_external(model: Any, path: Path) -> None:
    """Read the weights that lie in files beside the model."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    folder = path.resolve().parent
    for tensor in tensors_of(model.graph):
        if not uses_external_data(tensor):
            continue
        told = {entry.key: entry.value for entry in tensor.external_data}
        place = (folder / told.get("location", "")).resolve()
        if folder not in place.parents:
            raise UserError(
                f"{path.name} wants to read {told.get('location')}, which is not beside it.",
                "Take a file from somebody you trust, with its weights in the same folder.",
            )
        needed = int(told.get("offset") or 0) + int(told.get("length") or 0)
        if not place.is_file() or place.stat().st_size < needed:
            what = "is incomplete" if place.is_file() else "is missing"
            raise UserError(
                f"The weights of {path.name} lie in {place.name}, which {what}.",
                f"Put the whole {place.name} into the folder of {path.name}.",
            )
    onnx.load_external_data_for_model(model, str(folder))


def tensors_of(graph: Any) -> Iterator[Any]:
    """Yield the constant tensors of a graph and of the graphs inside it."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from tensors_of(attribute.g)


def nodes_of(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph and of the graphs inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


def _refuse(model: Any, name: str) -> None:
    if opset_of(model) < OLDEST:
        raise UserError(
            f"{name} is written with version {opset_of(model)} of ONNX' operators, of before 2017.",
            f"Convert it to version {OLDEST} or newer with onnx.version_converter.",
        )
    for node in nodes_of(model.graph):
        if node.op_type in QUANTISED:
            raise NotCoveredError(
                f"{name} is quantised: {called(node)} computes with whole numbers "
                f"({node.op_type}), which cannot be trained.",
                "Import the network that it was made from, in float32.",
            )
        if node.domain not in OWN_DOMAINS:
            raise NotCoveredError(
                f"{name} has an operator of its own, {node.domain}.{node.op_type} "
                f"({called(node)}), whose meaning is not known here.",
                "Export the network without it.",
            )


def called(node: Any) -> str:
    """Return a node's name, for a person."""
    return f"“{node.name or next(iter(node.output), node.op_type)}”"


def in_float32(model: Any) -> bool:
    """Make all numbers with a fraction float32, in place; say whether any was not."""
    from onnx import TensorProto

    wide = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
    found = [_cast_tensor(tensor, wide) for tensor in tensors_of(model.graph)]
    found += [_cast_types(graph, wide) for graph in _graphs(model.graph)]
    return any(found)


def has_eight_bits(tensor: Any) -> bool:
    """Say whether a matrix is kept in eight bits."""
    from onnx import TensorProto

    return len(tensor.dims) > 1 and tensor.data_type in (TensorProto.INT8, TensorProto.UINT8)


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _cast_tensor(tensor: Any, wide: Sequence[int]) -> bool:
    from onnx import numpy_helper

    if tensor.data_type not in wide:
        return False
    array = np.asarray(numpy_helper.to_array(tensor), np.float32)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return True


def _cast_types(graph: Any, wide: Sequence[int]) -> bool:
    from onnx import TensorProto

    is_found = False
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in wide:
                attribute.i = TensorProto.FLOAT
    for value in (*graph.input, *graph.output, *graph.value_info):
        kind = value.type.tensor_type
        if kind.elem_type in wide:
            kind.elem_type = TensorProto.FLOAT
            is_found = True
    return is_found
