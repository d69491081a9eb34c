"""Gathers what exporters get: the trained network, real samples, metrics and versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.document.files import dumps
from workbench.document.graph import Node
from workbench.errors import UserError
from workbench.plugin_api.data import METRIC_PREFIXES
from workbench.plugin_api.exporter import ExportRequest
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.runs import events
from workbench.runs.log import LineTail
from workbench.worker.preparation import describe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.exporter import ExportOptions
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained

SAMPLES = 16
"""Samples with which an exported file is compared."""
NOISE_STEPS = 8
"""Length of random samples where samples differ in length."""
NO_DATA = "The data are not there any more, so the file was compared on random samples."
SOFTMAX = "softmax"


def raw_request(
    folder: RunFolder, trained: Trained, catalog: Catalog, options: ExportOptions
) -> tuple[ExportRequest, tuple[str, ...]]:
    """Return the request of the network as it was trained, and what to say of the samples."""
    inputs = _real_samples(trained, catalog)
    notes = () if inputs is not None else (NO_DATA,)
    inputs = _noise(trained.network) if inputs is None else inputs
    metrics, baselines = measured(folder, trained.step)
    request = ExportRequest(
        experiment=trained.experiment,
        experiment_json=dumps(trained.experiment).decode(),
        network=trained.network,
        task=trained.task,
        info=trained.info,
        preprocessing=trained.preprocessing,
        fitted=trained.fitted,
        weights=trained.weights,
        sample_inputs=inputs,
        sample_outputs=trained.model.predict(inputs, **_lengths(trained, inputs)),
        options=options,
        metrics=metrics,
        baselines=baselines,
        environment=_environment(folder),
    )
    return request, notes


def _lengths(trained: Trained, inputs: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    """Return that all steps are real, to a network that asks for lengths."""
    if not trained.info.input.varies:
        return {}
    return {"lengths": np.full(len(inputs), inputs.shape[1], np.int64)}


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


def _real_samples(trained: Trained, catalog: Catalog) -> NDArray[Any] | None:
    """Return prepared samples of the data; None where they are gone."""
    preprocessing = trained.preprocessing
    try:
        splits = describe(trained.experiment.data, catalog)[0].splits
        samples = splits.get("test") or splits.get("validation") or splits["train"]
        chosen = np.unique(np.linspace(0, len(samples) - 1, SAMPLES).astype(int))
        raw = (samples.read(index) for index in chosen.tolist())
        prepared = [preprocessing.scale(preprocessing.shape(r), trained.fitted) for r in raw]
        return np.stack(_of_one_length(prepared) if trained.info.input.varies else prepared)
    except UserError:
        return None


def _of_one_length(samples: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the longer half of the samples, cut to the shortest one of them."""
    longer = sorted(samples, key=len)[len(samples) // 2 :]
    return [sample[: len(longer[0])] for sample in longer]


def _noise(network: Network) -> NDArray[Any]:
    kind = network.inputs[0].output
    shape = (SAMPLES, *(size or NOISE_STEPS for size in kind.shape))
    if kind.dtype == "int64":
        return np.zeros(shape, np.int64)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _environment(folder: RunFolder) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(folder.environment.read_bytes())
    except (OSError, msgspec.DecodeError):
        return {}
    return found if isinstance(found, dict) else {}
