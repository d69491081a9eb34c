"""Makes of an ONNX graph a module of PyTorch that can be traced.

The graph is walked once on made-up values, node by node: what is known beforehand (weights,
shapes, and what is computed from them) is computed by ONNX' own reference, the rest becomes steps
of a module. torch.export and the walk over ATen's operations do what remains.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._building import identifier
from plugins.importers._onnx_functions import FUNCTIONS
from plugins.importers._onnx_graph import needed_for
from plugins.importers._onnx_kernels import KERNELS
from plugins.importers._onnx_known import computed, constant
from plugins.importers._onnx_labels import ROLES, readable
from plugins.importers._onnx_masks import HIDDEN, TextMasks
from plugins.importers._onnx_module import network_of, part_of
from plugins.importers._onnx_reading import called, nodes_of, opset_of
from plugins.importers._onnx_recurrent import RECURRENT
from plugins.importers._onnx_shaping import SHAPING
from plugins.importers._onnx_step import Step
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TABLE: Mapping[str, Callable[..., Any]] = {**KERNELS, **FUNCTIONS, **SHAPING, **RECURRENT}
STATISTICS = {"BatchNormalization": (3, 4)}


@dataclass
class Translation(TextMasks):
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
        needed = needed_for(self.model.graph, outputs)
        self._graph(self.model.graph, needed)
        for name in outputs:
            if name not in self.values:
                raise NotCoveredError(f"The output {name} does not depend on the samples.")
        return network_of(self.parts, self.steps, list(inputs), outputs)

    def foresee(self, inputs: Mapping[str, Any]) -> None:
        """Compute what can be known beforehand of a graph that is walked no further."""
        self.values.update(inputs)
        for node in self.model.graph.node:
            with contextlib.suppress(NotCoveredError, UserError, KeyError):
                self._node(node)

    def compute(self, inputs: Mapping[str, Any], names: Sequence[str]) -> None:
        """Compute what is known beforehand under some names, and nothing that is not needed."""
        self.values.update(inputs)
        self._graph(self.model.graph, needed_for(self.model.graph, names))

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
            self.known[node.output[0]] = constant(attributes)
        elif node.op_type in ("Shape", "Size"):
            self._shape(node, attributes)
        elif node.op_type == "If":
            self._branch(node, attributes)
        elif node.op_type == "IsNaN" and names[0] in self.values:
            self.never(node, names[0])
        elif all(not name or name in self.known for name in names):
            self._fold(node)
        elif node.op_type == "Identity":
            self._alias(node.output[0], names[0])
        elif node.op_type == "Equal" and self.is_for_padding(names):
            self.never(node, next(name for name in names if name in self.values))
        elif node.op_type == "Where" and self._is_chosen(node):
            pass
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
        if self.length:
            self.told.add(node.output[0])

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
        """Compute a node whose inputs are known."""
        found = computed(node, self.known, self.model.opset_import)
        names = [name for name in node.output if name]
        self.known.update(zip(names, found, strict=True))
        if self.length:
            self.note(node, names)

    def _is_chosen(self, node: Any) -> bool:
        """Choose between values by what is known, if that is one of them all along, or hides some.

        Scores that are replaced by a very small number become ones to which it is added.
        """
        from onnx import helper

        condition, *names = node.input
        chosen = self.known.get(condition)
        if chosen is None:
            return False
        given = [self.known.get(name, self.values.get(name)) for name in names]
        if any(each is None for each in given):
            return False
        shapes = [tuple(each.shape) for each in given if each is not None]
        shape = np.broadcast_shapes(chosen.shape, *shapes)
        if chosen.all() or not chosen.any():
            place = 0 if chosen.all() else 1
            if names[place] in self.values and shapes[place] == shape:
                self._alias(node.output[0], names[place])
                return True
            return False
        if (names[0] in self.known) == (names[1] in self.known):
            return False
        place = 1 if names[1] in self.known else 0
        hidden = self.known[names[place]]
        if hidden.dtype.kind != "f" or not (hidden < HIDDEN).all() or shapes[1 - place] != shape:
            return False
        added = f"{node.output[0]}__hides"
        zero = np.zeros((), hidden.dtype)
        rows = (zero, hidden) if place else (hidden, zero)
        self.known[added] = np.where(chosen, *rows).astype(np.float32)
        self.told.add(added)
        self._node(helper.make_node("Add", [names[1 - place], added], node.output, node.name))
        return True

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
        part = part_of(function, step, self._arguments(node, label))
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
                array = self.narrowed_for(node, name)
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
        names = (self.tables.get(name, name) for name in node.input)
        weights = [name for name in names if self.uses[name] == 1 and "." in name]
        roles = ROLES.get(node.op_type)
        stem = ""
        if roles and weights and not re.search(r"::|^val_|^/", weights[0]):
            stem = weights[0].rpartition(".")[0]
        label = identifier(stem or readable(node, has_weights=bool(roles)))
        number, found = 1, label
        while found in self.parts:
            number += 1
            found = f"{label}_{number}"
        return found


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


def copies_in_words(translation: Translation) -> list[str]:
    """Say which arrays had to be copied, as layers here share none."""
    shared = [name for name, labels in translation.places.items() if len(labels) > 1]
    if not shared:
        return []
    several = "s that were" if len(shared) > 1 else " that was"
    return [
        f"{len(shared)} array{several} used in several places, such as {shared[0]}, have a copy "
        "of their own in each now, which are trained apart."
    ]
