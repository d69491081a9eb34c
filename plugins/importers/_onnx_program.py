"""Makes of an ONNX graph a module of PyTorch that can be traced.

The graph is walked once on made-up values, node by node: what is known beforehand (weights,
shapes, and what is computed from them) is computed by ONNX' own reference, the rest becomes steps
of a module. torch.export and the walk over ATen's operations do what remains.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._building import identifier
from plugins.importers._onnx_kernels import KERNELS
from plugins.importers._onnx_reading import called, nodes_of, opset_of
from plugins.importers._onnx_recurrent import RECURRENT
from plugins.importers._onnx_step import Step
from plugins.importers._onnx_values import VALUES
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TABLE: Mapping[str, Callable[..., Any]] = {**KERNELS, **VALUES, **RECURRENT}
STATISTICS = {"BatchNormalization": (3, 4)}
ROLES = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm"), ("", "weight", "bias")),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), ("", "kernel", "recurrent", "bias")),
    "BatchNormalization": ("", "weight", "bias", "mean", "variance"),
    "InstanceNormalization": ("", "weight", "bias"),
    "GroupNormalization": ("", "weight", "bias"),
    "LayerNormalization": ("", "weight", "bias"),
    "MatMul": ("weight", "weight"),
    "Add": ("shift", "shift"),
    "Sub": ("shift", "shift"),
    "Mul": ("scale", "scale"),
    "Div": ("scale", "scale"),
    "PRelu": ("", "slope"),
    "Gather": ("rows", ""),
}
"""What weights are called by the place at which an operation takes them."""


@dataclass
class Translation:
    """An ONNX graph as steps of PyTorch, as far as it is walked.

    Attributes:
        module: the steps, to be traced with `batch` samples.
        places: labels of the steps that take an array, by its name in the file.
        uses: how many nodes take each weight of the file.
        kinds: operations by the names of what they give.
    """

    model: Any
    batch: int
    file_batch: int
    opset: int = 0
    known: dict[str, np.ndarray] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    uses: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from onnx import numpy_helper

        self.opset = opset_of(self.model)
        given = {tensor.name for tensor in self.model.graph.initializer}
        names = (name for node in nodes_of(self.model.graph) for name in node.input)
        self.uses = Counter(name for name in names if name in given)
        for tensor in self.model.graph.initializer:
            self.known[tensor.name] = numpy_helper.to_array(tensor)

    def walk(self, inputs: Mapping[str, Any], outputs: Sequence[str]) -> Any:
        """Walk the graph and return the module, which gives `outputs`.

        Args:
            inputs: made-up tensors on PyTorch's meta device.

        Raises:
            NotCoveredError: it does what is done by no layer here.
        """
        self.values.update(inputs)
        needed = _needed(self.model.graph, outputs)
        self._graph(self.model.graph, needed)
        for name in outputs:
            if name not in self.values:
                raise NotCoveredError(f"The output {name} does not depend on the samples.")
        return _module(self.parts, self.steps, list(inputs), outputs)

    def _graph(self, graph: Any, needed: frozenset[str]) -> None:
        from onnx import numpy_helper

        for tensor in graph.initializer:
            self.known[tensor.name] = numpy_helper.to_array(tensor)
        for node in graph.node:
            if needed and not needed.intersection(node.output):
                continue
            self._node(node)

    def _node(self, node: Any) -> None:
        from onnx import helper

        names = list(node.input)
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Constant":
            self.known[node.output[0]] = _constant(attributes)
        elif node.op_type in ("Shape", "Size"):
            self._shape(node, attributes)
        elif node.op_type == "If":
            self._branch(node, attributes)
        elif all(not name or name in self.known for name in names):
            self._fold(node)
        elif node.op_type == "Identity":
            self._alias(node.output[0], names[0])
        else:
            self._step(node, attributes)

    def _shape(self, node: Any, attributes: Mapping[str, Any]) -> None:
        (name,) = node.input
        found = self.known[name] if name in self.known else self._value(node, name)
        lengths = np.array(tuple(found.shape), np.int64)
        if node.op_type == "Size":
            lengths = np.array(lengths.prod())
        elif "start" in attributes or "end" in attributes:
            lengths = lengths[attributes.get("start", 0) : attributes.get("end")]
        self.known[node.output[0]] = lengths

    def _branch(self, node: Any, attributes: Mapping[str, Any]) -> None:
        if node.input[0] not in self.known:
            raise NotCoveredError(
                f"{called(node)} does one thing or another by the values, which no layer here does."
            )
        chosen = bool(self.known[node.input[0]].reshape(-1)[0])
        graph = attributes["then_branch" if chosen else "else_branch"]
        self._graph(graph, frozenset())
        for outer, inner in zip(node.output, graph.output, strict=True):
            self._alias(outer, inner.name)

    def _alias(self, new: str, old: str) -> None:
        if old in self.known:
            self.known[new] = self.known[old]
        else:
            self.values[new] = self.values[old]
            self.steps.append(("", [old], [new]))

    def _fold(self, node: Any) -> None:
        """Compute a node whose inputs are known, with ONNX' reference."""
        from onnx import TensorProto, helper
        from onnx.reference import ReferenceEvaluator

        names = [name for name in node.input if name]
        infos = [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in names]
        outs = [
            helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in node.output if n
        ]
        graph = helper.make_graph([node], "one", infos, outs)
        model = helper.make_model(graph, opset_imports=self.model.opset_import)
        try:
            found = ReferenceEvaluator(model).run(None, {n: self.known[n] for n in names})
        except Exception as error:  # what the reference lacks, or what does not fit
            raise NotCoveredError(
                f"{called(node)} ({node.op_type}) cannot be computed beforehand: "
                f"{str(error).strip()[:120]}."
            ) from error
        for name, value in zip([n for n in node.output if n], found, strict=True):
            self.known[name] = np.asarray(value)

    def _value(self, node: Any, name: str) -> Any:
        found = self.values.get(name)
        if found is None:
            raise UserError(
                f"{called(node)} takes {name}, which nothing in the file gives.",
                "The file is damaged: export it again.",
            )
        return found

    def _step(self, node: Any, attributes: Mapping[str, Any]) -> None:
        function = TABLE.get(node.op_type)
        if function is None:
            raise NotCoveredError(
                f"{called(node)} computes “{node.op_type}”, for which there is no layer here."
            )
        settings = {key: _plain(value) for key, value in attributes.items()}
        step = Step(
            node.op_type,
            self.opset,
            settings,
            tuple(self.known.get(name) for name in node.input),
            len(node.output),
            self.file_batch,
            node.name or next(iter(node.output), node.op_type),
            tuple(bool(name) for name in node.input),
        )
        label = self._label(node)
        part = _part(function, step, self._arguments(node, label))
        sources = [name for name in node.input if name and name not in self.known]
        try:
            results = part(*[self._value(node, name) for name in sources])
        except (NotCoveredError, UserError):
            raise
        except Exception as error:
            raise NotCoveredError(
                f"{called(node)} ({node.op_type}) does not fit its inputs: {first_line(error, 160)}"
            ) from error
        results = results if isinstance(results, tuple | list) else [results]
        outputs = list(node.output)
        for name, result in zip(outputs, results, strict=False):
            if name:
                self.values[name] = result
                self.kinds[name] = node.op_type
        self.parts[label] = part
        self.steps.append((label, sources, outputs))

    def _arguments(self, node: Any, label: str) -> list[Any]:
        """Return what a step is called with: a marker for what is computed, else numbers."""
        from torch import nn

        roles = ROLES.get(node.op_type, ())
        found: list[Any] = []
        for place, name in enumerate(node.input):
            if not name:
                found.append(("", None))
            elif name not in self.known:
                found.append(("value", None))
            else:
                array = self.known[name]
                role = roles[place] if place < len(roles) else ""
                if (not role and node.op_type in ROLES) or array.dtype.kind != "f":
                    found.append(("", _number(array)))
                elif (
                    array.size == 1
                    and role in ("", "shift", "scale")
                    and not (role == "shift" and array.ndim and self._is_narrow(node))
                ):
                    found.append(("", float(array.reshape(-1)[0])))
                elif place in STATISTICS.get(node.op_type, ()):
                    found.append((f"buffer {role or 'weight'}", _tensor(array)))
                else:
                    self.places[name] = [*self.places.get(name, ()), label]
                    found.append((f"parameter {role or 'weight'}", nn.Parameter(_tensor(array))))
        return found

    def _is_narrow(self, node: Any) -> bool:
        """Whether a sum may be the bias of a single unit or filter that is computed before it."""
        return any(
            self.kinds.get(name) in ("MatMul", "Conv", "ConvTranspose")
            and (1 in (self.values[name].shape[-1], self.values[name].shape[1]))
            for name in node.input
            if name in self.values
        )

    def _label(self, node: Any) -> str:
        """Return the name that the step's layer gets: that of its weights, or of the node."""
        weights = [name for name in node.input if self.uses[name] == 1 and "." in name]
        roles = ROLES.get(node.op_type)
        stem = ""
        if roles and weights and not re.search(r"::|^val_|^/", weights[0]):
            stem = weights[0].rpartition(".")[0]
        label = identifier(stem or _readable(node, has_weights=bool(roles)))
        number, found = 1, label
        while found in self.parts:
            number += 1
            found = f"{label}_{number}"
        return found


def _readable(node: Any, *, has_weights: bool) -> str:
    """Return a node's name without what its exporter puts around it.

    PyTorch writes "/layer1/layer1.0/conv1/Conv", TensorFlow "net_1/conv2d_1/Conv2D".
    """
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.op_type).lower()
    scopes = [part for part in node.name.split("/") if part and ":" not in part]
    scopes = [part for part in scopes if not part.startswith("StatefulPartitionedCall")]
    if len(scopes) > 1:
        *scopes, last = scopes
        is_told = kind.replace("_", "") in scopes[-1].lower().replace("_", "")
        if not has_weights and not is_told:
            scopes.append(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", last).lower())
    kept = [
        part
        for part, after in zip(scopes, [*scopes[1:], ""], strict=False)
        if not after.startswith(f"{part}.")
    ]
    name = re.sub(r"^node_", "", ".".join(kept[-3:]))
    return name if re.search("[A-Za-z]", name) else kind


def _needed(graph: Any, outputs: Sequence[str]) -> frozenset[str]:
    """Return the names that the outputs depend on."""
    made = {name: node for node in graph.node for name in node.output if name}
    waiting, seen = list(outputs), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in made:
            waiting.extend(_taken(made[name]))
    return frozenset(seen)


def _taken(node: Any) -> list[str]:
    """Return the names that a node takes, also for the graphs inside it."""
    found = list(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            for inner in attribute.g.node:
                found += _taken(inner)
            found += [value.name for value in attribute.g.output]
    return found


def _constant(attributes: Mapping[str, Any]) -> np.ndarray:
    from onnx import numpy_helper

    ((kind, value),) = attributes.items()
    if kind == "value":
        return np.asarray(numpy_helper.to_array(value))
    types = {"value_float": np.float32, "value_floats": np.float32}
    if kind in ("value_int", "value_ints", *types):
        return np.array(value, types.get(kind, np.int64))
    raise NotCoveredError("The network holds words, or numbers that are mostly zero.")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple) and value and isinstance(value[0], bytes):
        return [item.decode("utf-8", "replace") for item in value]
    return value


def _number(array: np.ndarray) -> Any:
    """Return whole numbers as they are used: as a number where there is one, else as an array."""
    return array.reshape(-1)[0].item() if array.size == 1 else array


def _tensor(array: np.ndarray) -> Any:
    from torch import from_numpy

    return from_numpy(np.array(array, np.float32))


def _part(function: Callable[..., Any], step: Step, arguments: Sequence[Any]) -> Any:
    """Return a module that computes one node."""
    from torch import nn

    class Operation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plan: list[tuple[str, Any]] = []
            names: Counter[str] = Counter()
            for kind, value in arguments:
                sort, _, name = kind.partition(" ")
                if sort in ("parameter", "buffer"):
                    names[name] += 1
                    name = name if names[name] == 1 else f"{name}_{names[name]}"
                    if sort == "parameter":
                        self.register_parameter(name, value)
                    else:
                        self.register_buffer(name, value)
                    self.plan.append(("own", name))
                else:
                    self.plan.append((sort, value))

        def forward(self, *values: Any) -> Any:
            left = iter(values)
            is_meta = bool(values) and values[0].is_meta
            given = []
            for sort, value in self.plan:
                if sort == "own":
                    tensor = getattr(self, value)
                    given.append(tensor.to("meta") if is_meta else tensor)
                else:
                    given.append(next(left) if sort == "value" else value)
            return function(step, *given)

    return Operation()


def _module(
    parts: Mapping[str, Any],
    steps: Sequence[tuple[str, list[str], list[str]]],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> Any:
    """Return a module that does all steps in turn."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for label, part in parts.items():
                self.add_module(label, part)

        def forward(self, *given: Any) -> Any:
            values = dict(zip(inputs, given, strict=True))
            for label, sources, names in steps:
                found = [values[name] for name in sources]
                if not label:
                    (values[names[0]],) = found
                    continue
                results = getattr(self, label)(*found)
                results = results if isinstance(results, tuple | list) else [results]
                values.update(zip(names, results, strict=False))
            return tuple(values[name] for name in outputs)

    return Network()
