"""Applies a file of adapters to an experiment, which then starts from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from workbench.analysis.adapters_report import AdaptersReport
from workbench.analysis.adapting import apply_adapters
from workbench.analysis.retraining import head_of
from workbench.analysis.weights import shape_words
from workbench.document.edits import replace
from workbench.document.experiment import StartingWeights
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.plugin_api.adapter_files import digest
from workbench.plugin_api.adapters import factors, plain
from workbench.runs.start import find, fit, shapes_in
from workbench.worker.initial import draw, generator
from workbench.worker.weights.adapters_file import own_plan, peft_folder
from workbench.worker.weights.opening import open_weights
from workbench.worker.weights.peft_file import peft_plan, weights_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.network import Network
    from workbench.worker.weights.adapters_file import Plan

    Arrays = dict[str, NDArray[np.float32]]

OTHER = "Apply them to the network that they were trained on."


def load_adapters(
    path: Path, experiment: Experiment, network: Network, target: Path
) -> tuple[Experiment, AdaptersReport]:
    """Return an experiment that has the adapters of a file, and starts from them.

    Its layers are trained as where the adapters come from: these, what was trained with them, and
    the head. Other weights start as they did.

    Args:
        network: of the experiment.
        target: a safetensors file to write; in a folder it is named after its content.

    Raises:
        UserError: the file cannot be read, or the adapters do not fit this network.
    """
    network = plain(network)
    folder = peft_folder(path)
    with open_weights(path if folder is None else weights_file(folder)) as file:
        if folder is None:
            plan = own_plan(path, file, _renamed(experiment))
        else:
            plan = peft_plan(folder, file, network)
        wanted, left = _fitting(plan, network)
        arrays: Arrays = {}
        for name in wanted:
            stored, turned = plan.sources[name]
            array = np.asarray(file.read(stored), np.float32)
            arrays[name] = np.ascontiguousarray(array.T if turned else array)
    trained = tuple(name for name in plan.trained if name in wanted)
    head = head_of(network)
    learning = {name.partition("/")[0] for name in plan.trained} & {n.id for n in network.nodes}
    learning |= {head.id} if head is not None else set()
    adapted = apply_adapters(experiment, network, plan.layers, learning)
    base = _base(experiment, network)
    report = AdaptersReport(
        kind=plan.kind,
        layers={layer.id: tuple(layer.matrices) for layer in plan.layers},
        ranks=tuple(sorted({layer.rank for layer in plan.layers})),
        trained=tuple(dict.fromkeys(name.partition("/")[0] for name in trained)),
        left=left,
        others=_others(plan, base, experiment, network),
    )
    start = _written(base | arrays, path.name, target)
    return replace(adapted, start=start), report


def _renamed(experiment: Experiment) -> dict[str, str]:
    """Return what layers are called that were renamed since their weights were loaded."""
    start, graph = experiment.start, experiment.graph
    names = start.names if start is not None else {}
    return {old: new for new, old in names.items() if old and new in graph and old not in graph}


def _fitting(plan: Plan, network: Network) -> tuple[list[str], tuple[str, ...]]:
    """Return the arrays to read, and sentences on what is left out.

    Raises:
        UserError: adapters do not fit the network.
    """
    known = {node.id: node for node in network.nodes}
    wanted: list[str] = []
    for layer in plan.layers:
        node = known.get(layer.id)
        if node is None:
            what = f"{layer.title} " if layer.title else ""
            raise UserError(
                f"This network has no {what}layer “{layer.id}”, which the adapters change.", OTHER
            )
        matrices = node.layer.projections(node.input_types)
        for name in layer.matrices:
            if name not in matrices:
                raise UserError(
                    f"{layer.id} has no matrix “{name}” here, which the adapters change.", OTHER
                )
            specs = factors(name, node.weights[name], matrices[name], layer.rank)
            for factor, spec in specs.items():
                ours = f"{layer.id}/{factor}"
                _check(plan, ours, spec.shape, node.weights[name].shape)
                wanted.append(ours)
    specs = network.weight_specs()
    left = [f"{name} in the file has no place here." for name in plan.unused]
    for name in plan.trained:
        shape = _shape(plan, name)
        if name in specs and shape == specs[name].shape:
            wanted.append(name)
        elif name in specs and shape is not None:
            words = f"{shape_words(specs[name].shape)} here and {shape_words(shape)} in the file"
            left.append(f"{name} is {words}; it starts anew.")
        else:
            left.append(f"{name} is not in this network.")
    return wanted, tuple(left)


def _check(plan: Plan, name: str, shape: tuple[int, ...], matrix: tuple[int, ...]) -> None:
    """Raise a UserError where a factor is not there, or of a matrix of another size."""
    found = _shape(plan, name)
    if found is None:
        raise UserError(f"The file lacks {name}.", "Export the adapters again.")
    if found != shape:
        raise UserError(
            f"The adapters do not fit {name.partition('/')[0]}: for its matrix of "
            f"{shape_words(matrix)}, {name.partition('/')[2]} would be {shape_words(shape)}, but "
            f"in the file it is {shape_words(found)}.",
            OTHER,
        )


def _shape(plan: Plan, name: str) -> tuple[int, ...] | None:
    if name not in plan.sources:
        return None
    stored, turned = plan.sources[name]
    if stored.numbers:
        return None
    return stored.shape[::-1] if turned else stored.shape


def _base(experiment: Experiment, network: Network) -> Arrays:
    """Return what the experiment starts from without the adapters; nothing for the seed."""
    start = experiment.start
    if start is None:
        return {}
    path = find(start)
    names = fit(network, shapes_in(path), start.names).names
    with safe_open(path, "np") as file:
        return {ours: np.ascontiguousarray(file.get_tensor(own)) for ours, own in names.items()}


def _others(
    plan: Plan, base: Mapping[str, NDArray[np.float32]], experiment: Experiment, network: Network
) -> tuple[str, ...]:
    """Return the matrices that are others than those the adapters were trained beside."""
    found = []
    specs = network.weight_specs()
    for layer in plan.layers:
        for name, known in layer.matrices.items():
            ours = f"{layer.id}/{name}"
            matrix = base.get(ours)
            if known and matrix is None:
                matrix = draw(specs[ours], generator(experiment.seed, layer.id, name))
            if known and digest(np.asarray(matrix)) != known:
                found.append(ours)
    return tuple(found)


def _written(weights: Arrays, name: str, target: Path) -> StartingWeights:
    # With one entry of metadata: several would lie in another order each time.
    content = save(weights, {"format": "neural-workbench"})
    sum_ = hashlib.sha256(content).hexdigest()
    path = target / f"{sum_}.safetensors" if target.is_dir() else target
    write_atomically(path, content)
    return StartingWeights(name=name, file=str(path.resolve()), sha256=sum_)
