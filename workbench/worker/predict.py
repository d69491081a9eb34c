"""Answers for a person's own files, with the run's own preprocessing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.samples import OneSample
from workbench.plugin_api.tensors import TensorType
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.task import Prediction
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained


def predict_files(
    folder: RunFolder, paths: Sequence[Path], catalog: Catalog, which: Which = "best"
) -> list[tuple[Path, Prediction | UserError]]:
    """Return an answer for each file, or for each series in it.

    A file that cannot be read gets its error instead.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which)
    read, fitted = trained.preprocessing.file_samples, trained.fitted
    return [
        (path, answer)
        for path in paths
        for answer in _answers(trained, partial(read, str(path), fitted))
    ]


def predict_texts(
    folder: RunFolder, texts: Sequence[str], catalog: Catalog, which: Which = "best"
) -> list[tuple[str, Prediction | UserError]]:
    """Return an answer for each typed text; one that cannot be used gets its error instead.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which)
    read = trained.preprocessing.read_text
    return [
        (text, answer)
        for text in texts
        for answer in _answers(trained, lambda text=text: OneSample(read(text), text))
    ]


def _answers(trained: Trained, read: Callable[[], Samples]) -> Sequence[Prediction | UserError]:
    preprocessing, kind = trained.preprocessing, trained.info.input
    try:
        samples = read()
        shaped = [preprocessing.shape(samples.read(n)) for n in range(len(samples))]
        prepared = np.stack([preprocessing.scale(one, trained.fitted) for one in shaped])
    except UserError as error:
        return [error]
    if prepared.shape[2:] != kind.shape[1:]:
        found = TensorType(prepared.shape[1:], kind.axes)
        return [UserError(f"The network takes {kind}, but this is {found}.", "Give another file.")]
    lengths = np.full(len(prepared), prepared.shape[1]) if kind.varies else None
    outputs = trained.model.predict(prepared, lengths)
    context = replace(trained.context, samples=samples)
    return trained.task.predictions(outputs, context, prepared)
