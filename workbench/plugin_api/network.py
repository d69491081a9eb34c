"""A graph whose layers, types and weights have been worked out: what a backend compiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.document.graph import LoRA
    from workbench.plugin_api.layer import Layer, Part, Projection, WeightSpec
    from workbench.plugin_api.tensors import TensorType


@dataclass(frozen=True)
class ResolvedNode:
    """One node with everything that follows from its place in the graph."""

    id: str
    layer: Layer
    inputs: tuple[str, ...]
    input_types: tuple[TensorType, ...]
    output: TensorType
    weights: Mapping[str, WeightSpec] = field(default_factory=dict)
    multiply_adds: int = 0
    trainable: bool = True
    learning_rate_scale: float = 1.0
    lora: LoRA | None = None
    adapters: Mapping[str, Projection] = field(default_factory=dict)
    """Weights with low-rank factors beside them, see `workbench.plugin_api.adapters`."""

    @property
    def parameters(self) -> int:
        """Number of weights that training could change."""
        return sum(spec.size for spec in self.weights.values() if spec.trainable)

    @property
    def trained(self) -> tuple[str, ...]:
        """Names of the weights that training changes."""
        if not self.trainable:
            return ()
        return tuple(
            name for name, spec in self.weights.items() if spec.trainable and not spec.frozen
        )

    @property
    def is_frozen(self) -> bool:
        """Whether training leaves all of it as it is: as a whole, or module by module."""
        specs = self.weights.values()
        return not self.trainable or (bool(specs) and all(spec.frozen for spec in specs))

    @property
    def trained_parameters(self) -> int:
        """Number of weights that training changes."""
        return sum(self.weights[name].size for name in self.trained)

    @property
    def statistics(self) -> int:
        """Number of running statistics: saved with the weights, never trained."""
        return sum(spec.size for spec in self.weights.values() if not spec.trainable)


@dataclass(frozen=True)
class Network:
    """The nodes that could be resolved, in an order in which each comes after its inputs."""

    name: str
    nodes: tuple[ResolvedNode, ...]

    def __getitem__(self, node_id: str) -> ResolvedNode:
        return next(node for node in self.nodes if node.id == node_id)

    @property
    def inputs(self) -> tuple[ResolvedNode, ...]:
        """Input nodes, in order."""
        return tuple(node for node in self.nodes if node.layer.id == "Input")

    @property
    def varying(self) -> tuple[ResolvedNode, ...]:
        """Input nodes whose samples differ in length, in order."""
        return tuple(node for node in self.inputs if node.output.varies)

    @property
    def outputs(self) -> tuple[ResolvedNode, ...]:
        """Output nodes, in order."""
        return tuple(node for node in self.nodes if node.layer.id == "Output")

    @property
    def parameters(self) -> int:
        """Number of trainable parameters, frozen layers included."""
        return sum(node.parameters for node in self.nodes)

    @property
    def trained_parameters(self) -> int:
        """Number of parameters that training changes."""
        return sum(node.trained_parameters for node in self.nodes)

    @property
    def changing(self) -> tuple[str, ...]:
        """Canonical names "node/name" of what training changes: trained weights, statistics."""
        return tuple(
            f"{node.id}/{name}"
            for node in self.nodes
            if node.trainable
            for name, spec in node.weights.items()
            if not spec.frozen
        )

    @property
    def multiply_adds(self) -> int:
        """Multiply-add operations of one sample's forward pass."""
        return sum(node.multiply_adds for node in self.nodes)

    @property
    def inner(self) -> dict[str, Part]:
        """Modules inside layers whose outputs can be watched, as "node.path", in order."""
        return {
            f"{node.id}.{part.path}": part
            for node in self.nodes
            for part in node.layer.inner_of(node.input_types)
            if part.path and part.shape is not None
        }

    def weight_specs(self) -> dict[str, WeightSpec]:
        """Return every canonical weight as "node/name"."""
        return {
            f"{node.id}/{name}": spec for node in self.nodes for name, spec in node.weights.items()
        }
