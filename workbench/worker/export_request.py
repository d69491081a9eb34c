"""Gathers what exporters get: the trained network, real samples, metrics and versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.document.edits import without_adapters
from workbench.document.files import dumps
from workbench.document.graph import Node
from workbench.errors import UserError
from workbench.plugin_api.adapters import merged, plain
from workbench.plugin_api.data import METRIC_PREFIXES
from workbench.plugin_api.exporter import ExportRequest
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.runs import events
from workbench.runs.log import LineTail
from workbench.worker.preparation import describe
from workbench.worker.ragged import padded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import ExportOptions
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained

SAMPLES = 16
"""Samples with which an exported file is compared."""
MEASURED = 64
"""Samples from which they are taken where samples differ in length, from the shortest on."""
NO_DATA = "The data are not there any more, so the file was compared on random samples."
MERGED = "The LoRA adapters are merged into the weights."
SOFTMAX = "softmax"


def raw_request(
    folder: RunFolder, trained: Trained, catalog: Catalog, options: ExportOptions
) -> tuple[ExportRequest, tuple[str, ...]]:
    """Return the request of the network as it was trained, and what to say of the files.

    Adapters are merged into the matrices that they change: the outputs to compare with are those
    of the network that was trained.
    """
    rows = _real_samples(trained, catalog)
    notes = () if rows else (NO_DATA,)
    rows = rows or _noise(trained.network)
    varies = trained.info.input.varies
    inputs, lengths = padded(rows) if varies else (np.stack(rows), None)
    given = {} if lengths is None else {"lengths": lengths}
    metrics, baselines = measured(folder, trained.step)
    experiment, network = without_adapters(trained.experiment), plain(trained.network)
    request = ExportRequest(
        experiment=experiment,
        experiment_json=dumps(experiment).decode(),
        network=network,
        task=trained.task,
        info=trained.info,
        preprocessing=trained.preprocessing,
        fitted=trained.fitted,
        weights=merged(trained.network, trained.weights),
        sample_inputs=inputs,
        sample_outputs=trained.model.predict(inputs, **given),
        assets=folder.assets,
        sample_lengths=lengths,
        options=options,
        metrics=metrics,
        baselines=baselines,
        environment=_environment(folder),
    )
    return request, notes


def unmerged(request: ExportRequest, trained: Trained) -> ExportRequest:
    """Return the request with the network's adapters apart, as they were trained."""
    return replace(
        request,
        experiment=trained.experiment,
        experiment_json=dumps(trained.experiment).decode(),
        network=trained.network,
        weights=trained.weights,
    )


def with_softmax(request: ExportRequest, catalog: Catalog) -> ExportRequest:
    """Return a request whose network gives probabilities; one that gives them is left alone."""
    outputs = request.sample_outputs
    probabilities = request.task.probabilities(outputs, request.network)
    if probabilities is outputs:
        return request
    network = _ending_in_softmax(request.network, catalog)
    return replace(request, network=network, sample_outputs=probabilities)


def measured(
    folder: RunFolder, step: int
) -> tuple[dict[str, float], dict[str, dict[str, dict[str, float]]]]:
    """Return what was measured of a checkpoint, such as "val/accuracy", and baselines by split."""
    found: dict[str, float] = {}
    baselines: dict[str, dict[str, dict[str, float]]] = {}
    tail = LineTail(folder.events)
    while lines := tail.read():
        for line in lines:
            try:
                event = events.decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(event, events.EpochFinished) and event.step == step:
                found |= event.metrics
            elif isinstance(event, events.Evaluated) and event.step == step:
                prefix = METRIC_PREFIXES[event.split]
                metrics = event.evaluation.metrics
                found |= {f"{prefix}/{name}": value for name, value in metrics.items()}
                if event.evaluation.baselines:
                    baselines[event.split] = event.evaluation.baselines
    return found, baselines


def _ending_in_softmax(network: Network, catalog: Catalog) -> Network:
    (output,) = network.outputs
    layer = catalog.layer(Node(SOFTMAX, "Softmax"))
    name = SOFTMAX
    while any(node.id == name for node in network.nodes):
        name += "_"
    softmax = ResolvedNode(
        id=name,
        layer=layer,
        inputs=output.inputs,
        input_types=output.input_types,
        output=layer.output(output.input_types),
    )
    rest = tuple(node for node in network.nodes if node is not output)
    return Network(network.name, (*rest, softmax, replace(output, inputs=(name,))))


def _real_samples(trained: Trained, catalog: Catalog) -> list[NDArray[Any]]:
    """Return prepared samples of the data, of all lengths that there are; none where it is gone."""
    preprocessing = trained.preprocessing
    try:
        splits = describe(trained.experiment.data, catalog)[0].splits
        samples = splits.get("test") or splits.get("validation") or splits["train"]
        read = MEASURED if trained.info.input.varies else SAMPLES
        chosen = np.unique(np.linspace(0, len(samples) - 1, read).astype(int))
        raw = (samples.read(index) for index in chosen.tolist())
        prepared = [preprocessing.scale(preprocessing.shape(r), trained.fitted) for r in raw]
    except UserError:
        return []
    if not trained.info.input.varies:
        return prepared
    by_length = sorted(prepared, key=len)
    return [by_length[i] for i in np.linspace(0, len(by_length) - 1, SAMPLES).astype(int)]


def _noise(network: Network) -> list[NDArray[Any]]:
    kind = network.inputs[0].output
    rows: list[NDArray[Any]] = []
    random = np.random.default_rng(0)
    for number in range(SAMPLES):
        shape = tuple(size or number + 1 for size in kind.shape)
        if kind.dtype == "int64":
            rows.append(np.zeros(shape, np.int64))
        else:
            rows.append(random.random(shape, dtype=np.float32))
    return rows


def _environment(folder: RunFolder) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(folder.environment.read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return found if isinstance(found, dict) else {}
