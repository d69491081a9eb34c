"""Answers what the window asks of weights files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.problems import check
from workbench.errors import UserError
from workbench.files import unwritable
from workbench.reading import (
    AdaptersTaken,
    MatchWeights,
    TakeAdapters,
    TakeWeights,
    WeightsMatched,
    WeightsTaken,
)
from workbench.worker.weights.applying import load_adapters
from workbench.worker.weights.loading import load_weights, read_weights

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.plugin_api.network import Network

    Asked = MatchWeights | TakeWeights | TakeAdapters
    Answer = WeightsMatched | WeightsTaken | AdaptersTaken


def answer(request: Asked, catalog: Catalog) -> Answer:
    """Match a file with a network, or make of it what runs can start from.

    Raises:
        UserError: the file cannot be used, or the network is not whole yet.
    """
    network, path = _network(request, catalog), Path(request.path)
    if isinstance(request, MatchWeights):
        report, _ = read_weights(path, network, catalog, request.by)
        return WeightsMatched(id=request.id, report=report)
    folder = Path(request.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    if isinstance(request, TakeAdapters):
        found, told = load_adapters(path, request.experiment, network, folder)
        return AdaptersTaken(id=request.id, experiment=found, report=told)
    _, start = load_weights(path, network, catalog, folder, request.by, partial=request.partial)
    return WeightsTaken(id=request.id, start=start)


def _network(request: Asked, catalog: Catalog) -> Network:
    network = check(request.experiment, catalog, request.info).network
    if len(network.nodes) < len(request.experiment.graph.nodes):
        raise UserError(
            "Not all layers of this network make sense yet, so its weights are not known.",
            "The Problems tab says what is missing.",
        )
    return network
