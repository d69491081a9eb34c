"""One operation of ATen, and the document as far as a walk over them has built it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plugins.importers._building import GraphBuilder
from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BATCH = 23
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
        batch: samples that the network was traced with.
    """

    operation: str
    path: str
    arguments: Mapping[str, Any]
    result: Any
    users: tuple[str, ...] = ()
    is_leaf: bool = False
    batch: int = BATCH

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result in PyTorch, without the batch.

        Raises:
            NotCoveredError: the batch is no axis of its own any more.
        """
        first, *rest = self.result.shape
        if first != self.batch:
            raise NotCoveredError(
                f"{self.where} mixes the samples of a batch with what is in them "
                f"({self.operation}), which no layer here does."
            )
        return tuple(rest)

    def value(self, name: str) -> Value:
        """Return an argument that layers have computed; raises NotCoveredError for others."""
        return self.settled(self.arguments[name])

    def settled(self, value: Any, *, any_batch: bool = False, any_direction: bool = False) -> Value:
        """Return a value that needs no padding any more.

        Args:
            any_batch: whether the batch may be another axis than the first.
            any_direction: whether time may go backward.

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
        if value.is_turned and not any_direction:
            raise NotCoveredError(f"{self.where} turns time around, which no layer here does.")
        if value.batch and not any_batch:
            raise NotCoveredError(f"{self.where} moves the batch, which no layer here does.")
        return value

    @property
    def group(self) -> str:
        """The modules around the one that does it, from the outermost, parted by slashes."""
        around = self.path.rpartition(".")[0] if self.is_leaf else self.path
        return "/".join(part for part in around.replace("/", ".").split(".") if part)

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
    skipped: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Canonical shapes of what nodes give, of those that are used."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Numbers in each weight that training changes, by name."""
    steps: int = 0
    """Length of a first axis that samples have as long as they like; 0: none does."""
    added: int = 0
    """Numbers that training can change here and could not there, less those that became one."""

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
        own_names = dict.fromkeys(own for array in arrays if array for own in array.names)
        came = sum(map(self._first_use, own_names))
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
        if any(array.is_computed or not array.is_trained for array in arrays if array):
            trained = (
                array.size
                for name, array in given.items()
                if array is not None and not name.startswith("moving_")
            )
            self.added += sum(trained) - came
        self.shapes.update((value.node, value.shape) for value in inputs)
        sources = [value.node for value in inputs]
        return self.builder.add(kind, place, sources, params, given, group=call.group)

    def _first_use(self, name: str) -> int:
        """Count a use of a weight, and return its size if it is the first."""
        self.used[name] = self.used.get(name, 0) + 1
        return self.sizes.get(name, 0) if self.used[name] == 1 else 0

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
        return Value(node, shape, wanted, batch=value.batch)

    def channels_first(self, call: Call, value: Value) -> Value:
        """Return the value as convolutions take it: PyTorch's first axis is the last one here."""
        return self.ordered(call, value, (value.rank - 1, *range(value.rank - 1)))
