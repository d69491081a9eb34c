"""Puts the weights of a state dict into a network that another file described."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.transplant import transplant
from workbench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.analysis.transplant import Source
    from workbench.catalog import Catalog
    from workbench.plugin_api.importer import Arrays, Imported
    from workbench.plugin_api.network import Network


def put_on(
    imported: Imported, network: Network, arrays: Arrays, file: Path, catalog: Catalog
) -> Imported:
    """Return an imported network with the weights of a file instead of its own.

    Raises:
        UserError: they do not fit, or the network is a block whose weights stay as they are.
    """
    if not network.weight_specs() or imported.fixed:
        raise UserError(
            f"{imported.name} is kept as a block whose weights cannot be changed: "
            f"{imported.whole or 'it has none'}.",
            "Choose a file of the same network that becomes layers, or a .pt2.",
        )
    layout = catalog.backend("torch").file_names(network)
    assert layout is not None
    found = transplant(network, layout, arrays.shapes, is_ordered=arrays.is_ordered)
    specs = network.weight_specs()
    weights = {
        name: _canonical(source, arrays, specs[name].shape)
        for name, source in found.sources.items()
    }
    return dataclasses.replace(
        imported,
        name=file.stem,
        origin=f"the network of {imported.origin}, with the weights of {file.name}",
        weights=weights,
        matched=sum(len(source.names) for source in found.sources.values()),
        renamed=tuple((" + ".join(source.names), name) for name, source in found.sources.items()),
        skipped=(*imported.skipped, *(f"{name} of the file" for name in found.unused)),
        changed=(found.in_words(), *_likeness(imported, weights), *imported.changed),
    )


def _canonical(source: Source, arrays: Arrays, shape: tuple[int, ...]) -> NDArray[np.float32]:
    parts = [np.asarray(arrays.read(name), np.float32) for name in source.names]
    if len(parts) == 1:
        whole = parts[0]
    else:  # two biases: of a GRU they stay apart, else they are added up
        stacked = np.stack(parts)
        whole = stacked if stacked.size == np.prod(source.shape) else stacked.sum(0)
    canonical = source.bind.to_canonical(whole.reshape(source.shape), shape)
    return np.ascontiguousarray(canonical, np.float32)


def _likeness(imported: Imported, weights: dict[str, NDArray[np.float32]]) -> tuple[str, ...]:
    """Say whether both files have the same weights."""
    if imported.weights.keys() != weights.keys():
        return ()
    largest = max(float(np.abs(array).max(initial=0)) for array in imported.weights.values())
    apart = max(
        float(np.abs(imported.weights[name] - array).max(initial=0))
        for name, array in weights.items()
    )
    if apart <= 1e-6 * largest:
        return ("Both files have the same weights.",)
    return (f"They differ from those that {imported.name} came with, by up to {apart:.1g}.",)
