"""Compiles networks of a test with the real generator and runs them on canonical arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.pytorch.code import boundary_layout, generate, generate_probe, torch_names
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.worker.initial import initial_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.catalog import Catalog
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.tensors import TensorType

Array = "NDArray[np.float32]"


def make(catalog: Catalog, layer_type: str, **params: Any) -> Layer:
    """Return a layer whose settings have been checked as a document's are."""
    from workbench.document.graph import Node

    return catalog.layer(Node("layer", layer_type, params))


class Build:
    """A network under construction; `add` returns the new node's id."""

    def __init__(self, catalog: Catalog, name: str = "Network") -> None:
        self.catalog = catalog
        self.name = name
        self.nodes: dict[str, ResolvedNode] = {}

    def input(self, node_id: str, *shape: int) -> str:
        """Add an Input of a shape."""
        return self.put(node_id, make(self.catalog, "Input", shape=shape))

    def put_input(self, node_id: str, kind: TensorType) -> str:
        """Add an Input that takes its type from the data."""
        layer = make(self.catalog, "Input")
        self.nodes[node_id] = ResolvedNode(node_id, layer, (), (kind,), layer.output((kind,)))
        return node_id

    def add(self, node_id: str, layer_type: str, *sources: str, **params: Any) -> str:
        """Add a layer of the catalog."""
        return self.put(node_id, make(self.catalog, layer_type, **params), *sources)

    def put(self, node_id: str, layer: Layer, *sources: str) -> str:
        """Add a layer."""
        types = tuple(self.nodes[source].output for source in sources)
        self.nodes[node_id] = ResolvedNode(
            id=node_id,
            layer=layer,
            inputs=sources,
            input_types=types,
            output=layer.output(types),
            weights=layer.weights(types),
            multiply_adds=layer.multiply_adds(types),
        )
        return node_id

    def network(self) -> Network:
        """Return what has been added so far."""
        return Network(self.name, tuple(self.nodes.values()))


def single(catalog: Catalog, layer: Layer, shapes: Sequence[Sequence[int]]) -> Network:
    """Return a network of one layer between its Inputs and an Output."""
    build = Build(catalog)
    sources = [build.input(f"in{index}", *shape) for index, shape in enumerate(shapes)]
    build.put("layer", layer, *sources)
    build.add("out", "Output", "layer")
    return build.network()


@dataclass
class Compiled:
    """A generated module with its weights, and the globals it was executed in."""

    network: Network
    module: Any
    globals: dict[str, Any]
    weights: Mapping[str, Array]

    def run(self, *inputs: Array) -> Array | tuple[Array, ...]:
        """Return the outputs for canonical inputs, canonical."""
        tensors = self.module(*self.tensors(inputs))
        if len(self.network.outputs) == 1:
            return canonical(tensors, self.network.outputs[0].output)
        pairs = zip(tensors, self.network.outputs, strict=True)
        return tuple(canonical(tensor, node.output) for tensor, node in pairs)

    def probe(self, *inputs: Array, wanted: Sequence[str]) -> dict[str, Array]:
        """Return the outputs of nodes, canonical."""
        tensors = self.tensors(inputs)
        given = tensors[0] if len(tensors) == 1 else tuple(tensors)
        found = self.globals["probe"](self.module, given, set(wanted))
        return {node: value.detach().numpy() for node, value in found.items()}

    def tensors(self, inputs: Sequence[Array]) -> list[Any]:
        """Return canonical arrays as the module takes them."""
        import torch

        pairs = zip(inputs, self.network.inputs, strict=True)
        return [
            torch.from_numpy(np.ascontiguousarray(moved(array, node.output)))
            for array, node in pairs
        ]

    def names(self) -> dict[str, tuple[str, Any]]:
        """Return each canonical weight's name in the module, and its Bind."""
        return torch_names(self.network)

    def stored(self) -> dict[str, Array]:
        """Return all weights of the module, canonical."""
        state = self.module.state_dict()
        specs = self.network.weight_specs()
        return {
            name: bind.to_canonical(state[dotted].numpy(), specs[name].shape)
            for name, (dotted, bind) in torch_names(self.network).items()
        }


def compiled(
    network: Network, weights: Mapping[str, Array] | None = None, seed: int = 0
) -> Compiled:
    """Generate, execute and load a network; in evaluation mode."""
    import torch

    code = generate(network)
    space: dict[str, Any] = {}
    exec(compile(code.source, "generated.py", "exec"), space)
    exec(compile(generate_probe(network), "probe.py", "exec"), space)
    module = space[code.class_name]()
    weights = initial_weights(network, seed) if weights is None else weights
    state = module.state_dict()
    with torch.no_grad():
        for name, (dotted, bind) in torch_names(network).items():
            value = torch.from_numpy(bind.to_framework(weights[name]))
            assert state[dotted].shape == value.shape
            state[dotted].copy_(value)
    return Compiled(network, module.eval(), space, weights)


def random_array(shape: Sequence[int], batch: int = 2, seed: int = 0) -> Array:
    """Return normal random numbers, batch × shape."""
    return np.random.default_rng(seed).normal(size=(batch, *shape)).astype(np.float32)


def canonical(tensor: Any, kind: TensorType) -> Array:
    """Return a tensor at the module's boundary as a canonical array."""
    array = tensor.detach().numpy()
    return np.moveaxis(array, 1, -1) if boundary_layout(kind) == "channels_first" else array


def moved(array: Array, kind: TensorType) -> Array:
    """Return a canonical array as the module takes it at its boundary."""
    return np.moveaxis(array, -1, 1) if boundary_layout(kind) == "channels_first" else array
