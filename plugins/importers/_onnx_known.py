"""Computes beforehand what in an ONNX graph does not depend on the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_reading import called, session
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RUNTIME_VERSION = 10
"""Of the format of files, that any onnxruntime of these years reads."""


def computed(node: Any, known: Mapping[str, Any], opsets: Any) -> list[NDArray[Any]]:
    """Return what a node gives whose inputs are all known.

    It is ONNX' own reference that computes it, else onnxruntime: the reference lacks some operators
    and cannot do others with some shapes.

    Args:
        opsets: the model's imports of operators.

    Raises:
        NotCoveredError: neither can compute it, or its inputs do not fit.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    given = {name: known[name] for name in node.input if name}
    outs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
        for name, each in given.items()
    ]
    model = helper.make_model(helper.make_graph([node], "one", infos, outs), opset_imports=opsets)
    try:
        try:
            found = ReferenceEvaluator(model).run(None, given)
        except Exception:
            model.ir_version = min(model.ir_version, RUNTIME_VERSION)
            found = session(model.SerializeToString()).run(None, given)
    except Exception as error:
        raise NotCoveredError(
            f"{called(node)} ({node.op_type}) cannot be computed beforehand: "
            f"{str(error).strip()[:120]}."
        ) from error
    return [np.asarray(value) for value in found]


def constant(attributes: Mapping[str, Any]) -> NDArray[Any]:
    """Return the value of a Constant node; raises NotCoveredError for words."""
    from onnx import numpy_helper

    ((kind, value),) = attributes.items()
    if kind == "value":
        return np.asarray(numpy_helper.to_array(value))
    types = {"value_float": np.float32, "value_floats": np.float32}
    if kind in ("value_int", "value_ints", *types):
        return np.array(value, types.get(kind, np.int64))
    raise NotCoveredError("The network holds words, or numbers that are mostly zero.")


def narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array without what is the same along an axis, of which one place is left."""
    for axis, size in enumerate(array.shape):
        if size > 1:
            first = array.take([0], axis)
            array = first if (array == first).all() else array
    return array
