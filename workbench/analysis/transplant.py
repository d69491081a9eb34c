"""Tells which modules of a PyTorch state dict are which layers of a network made of another file.

A state dict names arrays after the modules of somebody's code, a graph after its operations: what
they have in common are parts of names, shapes, what each array does, and the order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.analysis.weights import expected_shape, shape_words
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workbench.plugin_api.backend import FileNames
    from workbench.plugin_api.code import Bind
    from workbench.plugin_api.network import Network

    Shapes = Mapping[str, tuple[int, ...]]

How = Literal["name", "shape", "order"]
_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)_l(\d+)(_reverse)?")


@dataclass(frozen=True)
class Source:
    """Where a weight comes from.

    Attributes:
        names: of one array, or of the two biases of a recurrent layer.
        bind: how the array is laid out.
        shape: that the array has as the bind wants it.
        how: by what its module was told.
    """

    names: tuple[str, ...]
    bind: Bind
    shape: tuple[int, ...]
    how: How


@dataclass(frozen=True)
class Transplant:
    """Where each weight of a network comes from.

    Attributes:
        sources: by canonical name.
        unused: arrays of the file that the network has no place for.
    """

    sources: Mapping[str, Source]
    unused: tuple[str, ...]

    def in_words(self) -> str:
        """Say by what the layers were told apart."""
        layers: dict[str, set[str]] = {"name": set(), "shape": set(), "order": set()}
        for name, source in self.sources.items():
            layers[source.how].add(name.partition("/")[0])
        words = {
            "name": "by their names",
            "shape": "by shapes that only they have",
            "order": "by their order among others of the same shapes, which is a guess",
        }
        parts = [f"{len(found)} {words[how]}" for how, found in layers.items() if found]
        return f"Layers were found in the file: {', '.join(parts)}."


@dataclass(frozen=True)
class _Node:
    """A layer: the shapes that its weights have in PyTorch, by attribute."""

    id: str
    weights: Mapping[str, tuple[str, Bind, tuple[int, ...]]]


def transplant(
    network: Network, layout: FileNames, shapes: Shapes, *, is_ordered: bool
) -> Transplant:
    """Return which arrays the weights of a network take; all of them must be found.

    Args:
        layout: PyTorch's, of this network.
        shapes: by name, in the order of the file.
        is_ordered: whether that is the order of the code.

    Raises:
        UserError: the file does not fit; names the first layer for which it has nothing.
    """
    nodes = _nodes(network, layout)
    modules = _parted(_modules(shapes), nodes, shapes)
    if not is_ordered:
        modules = dict(sorted(modules.items(), key=lambda item: _natural(item[0])))
    found: dict[str, tuple[str, How]] = {}
    fitting = {node.id: [m for m in modules if _fit(node, modules[m], shapes)] for node in nodes}
    _by_name(nodes, fitting, found)
    _by_shape(nodes, fitting, found)
    missing = [node for node in nodes if node.id not in found]
    if missing:
        raise _misfit(missing, nodes, len(shapes))
    sources = {}
    for node in nodes:
        module, how = found[node.id]
        arrays = _fit(node, modules[module], shapes)
        assert arrays is not None
        for weight, names in arrays.items():
            _, bind, shape = node.weights[weight]
            sources[f"{node.id}/{weight}"] = Source(names, bind, shape, how)
    taken = {name for source in sources.values() for name in source.names}
    return Transplant(sources, tuple(name for name in shapes if name not in taken))


def _nodes(network: Network, layout: FileNames) -> list[_Node]:
    """Return the layers with weights, each with its attributes in PyTorch by weight."""
    found = []
    for node in network.nodes:
        weights = {}
        for name, spec in node.weights.items():
            _, bind = layout.names[f"{node.id}/{name}"]
            weights[name] = (bind.attribute, bind, expected_shape(bind, spec.shape))
        if weights:
            found.append(_Node(node.id, weights))
    return found


def _modules(shapes: Shapes) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the arrays of each module by what its layer here calls them."""
    deep = {
        name.rpartition(".")[0]
        for name in shapes
        if (m := _RECURRENT.fullmatch(name.rpartition(".")[2])) and m[3] != "0"
    }
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in shapes:
        path, _, attribute = name.rpartition(".")
        if attribute == "num_batches_tracked":
            continue
        recurrent = _RECURRENT.fullmatch(attribute)
        if recurrent is None:
            own = (path or attribute, attribute if path else "weight")
            if own[1] in found.get(own[0], {}):
                own = (name, "weight")
            found.setdefault(own[0], {})[own[1]] = (name,)
            continue
        kind, side, layer, reverse = recurrent.groups()
        before = f"{layer}." if path in deep else ""
        end = reverse or ""
        key = f"{before}bias{end}" if kind == "bias" else f"{before}{kind}_{side}{end}"
        arrays = found.setdefault(path or "rnn", {})
        arrays[key] = tuple(sorted((*arrays.get(key, ()), name), reverse=True))  # ih before hh
    return found


def _parted(
    modules: Mapping[str, Mapping[str, tuple[str, ...]]], nodes: Sequence[_Node], shapes: Shapes
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Part recurrent modules of several layers where the network has a node for each."""
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for path, arrays in modules.items():
        is_deep = all(re.match(r"\d+\.", key) for key in arrays)
        if not is_deep or any(_fit(node, arrays, shapes) for node in nodes):
            found[path] = arrays
            continue
        for key, names in arrays.items():
            layer, _, attribute = key.partition(".")
            part = path if layer == "0" else f"{path}.{layer}"
            found[part] = {**found.get(part, {}), attribute: names}
    return found


def _fit(
    node: _Node, arrays: Mapping[str, tuple[str, ...]], shapes: Shapes
) -> dict[str, tuple[str, ...]] | None:
    """Return the arrays of a module by the weights of a layer; None where it is another's."""
    found = {}
    alone = len(arrays) == len(node.weights) == 1
    for weight, (attribute, _, wanted) in node.weights.items():
        names = next(iter(arrays.values())) if alone else arrays.get(attribute)
        if names is None:
            return None
        given = [_squeezed(shapes[name]) for name in names]
        whole = _squeezed(wanted)
        pair = [(2, *given[0]), given[0]] if len(names) == 2 else []
        if not (given == [whole] or (whole in pair and given[0] == given[1])):
            return None
        found[weight] = names
    spare = {name for key in arrays.values() for name in key} - {
        name for names in found.values() for name in names
    }
    # A bias or statistics that a layer has no place for make its module another one.
    return None if spare else found


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _by_name(
    nodes: Iterable[_Node],
    fitting: Mapping[str, Sequence[str]],
    found: dict[str, tuple[str, How]],
) -> None:
    """Find modules whose names end alike; the longest common end decides."""
    scores = sorted(
        (
            (_common_end(node.id, module), node.id, module)
            for node in nodes
            for module in fitting[node.id]
        ),
        key=lambda item: -item[0],
    )
    taken: set[str] = set()
    for score, node_id, module in scores:
        if not score or node_id in found or module in taken:
            continue
        rivals = [
            other
            for other_score, other_id, other in scores
            if other_score == score
            and (other_id == node_id) != (other == module)
            and other_id not in found
            and other not in taken
        ]
        if not rivals:
            found[node_id] = (module, "name")
            taken.add(module)


def _common_end(node_id: str, module: str) -> int:
    """Return how many words at the end are the same, where one of the names is all of it."""
    ours, theirs = (re.split(r"[._/]", name) for name in (node_id, module))
    count = min(len(ours), len(theirs))
    if ours == theirs:
        return count + 1
    return count if ours[-count:] == theirs[-count:] else 0


def _by_shape(
    nodes: Sequence[_Node],
    fitting: Mapping[str, Sequence[str]],
    found: dict[str, tuple[str, How]],
) -> None:
    """Give each layer that is left the first module that is left and fits it."""
    taken = {module for module, _ in found.values()}
    left = [node for node in nodes if node.id not in found]
    wanted = {node.id: [m for m in fitting[node.id] if m not in taken] for node in left}
    for node in left:
        modules = [module for module in wanted[node.id] if module not in taken]
        if not modules:
            continue
        is_only = len(wanted[node.id]) == 1 and not any(
            modules[0] in wanted[other.id] for other in left if other is not node
        )
        found[node.id] = (modules[0], "shape" if is_only else "order")
        taken.add(modules[0])


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return a key by which layer10 comes behind layer9."""
    parts = re.findall(r"\d+|\D+", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _misfit(missing: Sequence[_Node], nodes: Sequence[_Node], count: int) -> UserError:
    node = missing[0]
    sizes = ", ".join(
        f"{name} {shape_words(shape)}" for name, (_, _, shape) in node.weights.items()
    )
    return UserError(
        f"The file does not fit that network: of {len(nodes)} layers with weights, "
        f"{len(missing)} have no module of their shapes among its {count} arrays, such as "
        f"{node.id} ({sizes}).",
        "Choose the file of the same network. An exporter may have drawn normalisation into the "
        "convolutions before it, or written attention out in parts: such weights have changed.",
    )
