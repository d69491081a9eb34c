"""The weights of the first step: a run's starting weights where they fit, the seed's elsewhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.numpy import load

from workbench.analysis.weights_report import first_named
from workbench.errors import UserError
from workbench.runs.start import fit
from workbench.worker.initial import initial_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment, StartingWeights
    from workbench.plugin_api.network import Network
    from workbench.runs.folder import RunFolder

_HINT = "Load them again, or remove them to start from the seed; then train a new run."


def first_weights(
    network: Network, experiment: Experiment, folder: RunFolder
) -> tuple[dict[str, NDArray[np.float32]], str]:
    """Return every canonical weight, and a sentence on where they come from.

    The network may have been edited since the weights were loaded, so those of another name or
    shape are drawn from the seed.

    Raises:
        UserError: the run's copy of the starting weights is gone or not what was loaded.
    """
    drawn = initial_weights(network, experiment.seed)
    if experiment.start is None:
        return drawn, ""
    given = _read(folder, experiment.start)
    shapes = {name: array.shape for name, array in given.items()}
    found = fit(network, shapes, experiment.start.names)
    weights = drawn | {name: given[theirs] for name, theirs in found.names.items()}
    return weights, _in_words(experiment.start.name, len(found.used), found.drawn, found.spare)


def _read(folder: RunFolder, start: StartingWeights) -> dict[str, NDArray[np.float32]]:
    try:
        content = folder.start.read_bytes()
    except OSError as error:
        raise UserError(
            f"The weights that this run starts from cannot be read: {error.strerror or error}.",
            _HINT,
        ) from error
    if hashlib.sha256(content).hexdigest() != start.sha256:
        raise UserError(
            f"{folder.start.name} does not hold the weights that were loaded from {start.name}.",
            _HINT,
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise UserError(f"{folder.start.name} is damaged: {error}.", _HINT) from error


def _in_words(name: str, used: int, drawn: tuple[str, ...], spare: tuple[str, ...]) -> str:
    total = used + len(drawn)
    parts = [f"Training starts from {name}: {used} of {total} weights."]
    if drawn:
        parts.append(f"From the seed: {first_named(drawn)}.")
    if spare:
        parts.append(f"Without a place in the network: {first_named(spare)}.")
    return " ".join(parts)
