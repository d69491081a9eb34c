"""Loads weights files: says what matches, and makes of it what a run can start from."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save

from workbench.analysis.weights import By, match
from workbench.analysis.weights_report import WeightsReport, check_match, first_named
from workbench.document.experiment import StartingWeights
from workbench.errors import UserError
from workbench.files import unwritable, write_atomically
from workbench.plugin_api.adapters import factor_names, plain
from workbench.worker.weights.opening import open_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import FileNames
    from workbench.plugin_api.network import Network
    from workbench.worker.weights.file import WeightsFile


def read_weights(
    path: Path, network: Network, catalog: Catalog, by: By = "name"
) -> tuple[WeightsReport, dict[str, NDArray[np.float32]]]:
    """Return what matches, and the matched weights in canonical layout.

    Raises:
        UserError: the file cannot be used at all, or the network has no weights.
    """
    if not network.weight_specs():
        raise UserError("This network has no weights.", "Add a layer that has some.")
    with open_weights(path) as file:
        if not factor_names(network) & {stored.name for stored in file.stored}:
            network = plain(network)
        specs = network.weight_specs()
        matching = match(
            network,
            _layouts(network, catalog),
            file.stored,
            by,
            file.layout,
            order=file.order,
        )
        warnings = _order_doubts(network, file) if by == "order" else []
        weights: dict[str, NDArray[np.float32]] = {}
        for name, stored in matching.sources.items():
            array = file.read(stored)
            canonical = matching.binds[name].to_canonical(array, specs[name].shape)
            weights[name] = _float32(canonical)
    warnings += _doubts(weights)
    report = WeightsReport(
        kind=file.kind,
        by=by,
        matched=matching.matched,
        unmatched=matching.unmatched,
        unused=tuple(item.name for item in matching.unused),
        warnings=tuple(warnings),
    )
    return report, weights


def load_weights(
    path: Path,
    network: Network,
    catalog: Catalog,
    target: Path,
    by: By = "name",
    *,
    partial: bool = False,
) -> tuple[WeightsReport, StartingWeights]:
    """Write the matched weights to a safetensors file that runs can start from.

    Args:
        target: the file to write; in a folder it is named after its content.
        partial: take what matches, though something does not.

    Raises:
        UserError: the file cannot be used, does not match as a whole and `partial` is not set,
            or matches in nothing; or the target cannot be written.
    """
    report, weights = read_weights(path, network, catalog, by)
    check_match(report, path.name, partial=partial)
    # With one entry of metadata: several would lie in another order each time.
    content = save(weights, {"format": "neural-workbench"})
    digest = hashlib.sha256(content).hexdigest()
    if target.is_dir():
        target = target / f"{digest}.safetensors"
    try:
        is_there = target.is_file() and target.read_bytes() == content
    except OSError as error:
        raise unwritable(target, error) from error
    if not is_there:
        write_atomically(target, content)
    return report, StartingWeights(name=path.name, file=str(target.resolve()), sha256=digest)


def _layouts(network: Network, catalog: Catalog) -> list[FileNames]:
    """Return the layouts of all backends that have some, each once."""
    found: dict[str, FileNames] = {}
    for backend in catalog.backends:
        names = backend().file_names(network)
        if names is not None:
            found.setdefault(names.layout, names)
    return list(found.values())


def _float32(array: NDArray[np.generic]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is told
        return np.ascontiguousarray(array, np.float32)


def _order_doubts(network: Network, file: WeightsFile) -> list[str]:
    """Say why the order may be another one; shapes alone do not tell equal layers apart."""
    if file.order == "unsure":
        return [
            f"{file.kind} files keep no order that is sure. Look through the table: layers of "
            "equal shape may be exchanged."
        ]
    sources = Counter(source for node in network.nodes for source in node.inputs)
    if file.order == "code" and max(sources.values(), default=0) > 1:
        return [
            "The network branches, and files have branches in the order in which their code was "
            "written. Look through the table: layers of equal shape may be exchanged."
        ]
    return []


def _doubts(weights: Mapping[str, NDArray[np.float32]]) -> list[str]:
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if not broken:
        return []
    verb = "holds" if len(broken) == 1 else "hold"
    return [f"{first_named(broken)} {verb} NaN or infinite values; training will not recover."]
