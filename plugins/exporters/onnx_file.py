"""What ONNX files of every framework share."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from plugins.exporters.safetensors import metadata
from workbench.plugin_api.backend import Availability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network

LARGEST = 2**31 - 2**24
"""Bytes of weights that fit into one file: Protocol Buffers and FlatBuffers end at 2 GiB."""
INPUT, LENGTHS, OUTPUT = "input", "lengths", "output"
"""Names in the file; lengths only where samples differ in length."""
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def onnx_availability() -> Availability:
    """Say whether what writes and runs ONNX files is installed."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        reason = f"{missing[0]} is not installed."
        return Availability(False, reason, 'pip install "neural-workbench[onnx]"')
    return Availability(True)


def is_large(network: Network) -> bool:
    """Whether the weights do not fit into one file."""
    return sum(4 * spec.size for spec in network.weight_specs().values()) > LARGEST


def properties(request: ExportRequest, inward: str, outward: str) -> dict[str, str]:
    """Return the metadata: what belongs to the weights, and the axes of input and output."""
    return {**metadata(request), "input_layout": inward, "output_layout": outward}


def reader(inward: Sequence[int], outward: Sequence[int]) -> str:
    """Return source of `prepare(file)` by onnxruntime, for canonical batches.

    Args:
        inward: how the axes of a canonical batch are ordered for the file; outward: and back.
    """
    return _READ.format(inward=tuple(inward), outward=tuple(outward))


_READ = """
import numpy as np
import onnxruntime


def prepare(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    taken = session.get_inputs()
    types = {{"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}}

    def answer(inputs, *lengths):
        given = np.ascontiguousarray(inputs.transpose({inward})), *lengths
        feed = {{t.name: a.astype(types[t.type]) for t, a in zip(taken, given)}}
        return session.run(None, feed)[0].transpose({outward})

    return answer
"""
