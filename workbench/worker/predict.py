"""Answers for a person's own files, with the run's own preprocessing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.tensors import TensorType
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.plugin_api.task import Prediction
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Trained


def predict_files(
    folder: RunFolder, paths: Sequence[Path], catalog: Catalog, which: Which = "best"
) -> list[tuple[Path, Prediction | UserError]]:
    """Return an answer for each file; a file that cannot be read gets its error instead.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which)
    read = trained.preprocessing.read_file
    return [(path, _answer(trained, partial(read, str(path)))) for path in paths]


def predict_texts(
    folder: RunFolder, texts: Sequence[str], catalog: Catalog, which: Which = "best"
) -> list[tuple[str, Prediction | UserError]]:
    """Return an answer for each typed text; one that cannot be used gets its error instead.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which)
    read = trained.preprocessing.read_text
    return [(text, _answer(trained, partial(read, text))) for text in texts]


def _answer(trained: Trained, read: Callable[[], NDArray[Any]]) -> Prediction | UserError:
    preprocessing, kind = trained.preprocessing, trained.info.input
    try:
        raw = read()
        prepared = preprocessing.scale(preprocessing.shape(raw), trained.fitted)
    except UserError as error:
        return error
    if prepared.shape[1:] != kind.shape[1:]:
        found = TensorType(prepared.shape, kind.axes)
        return UserError(f"The network takes {kind}, but this is {found}.", "Give another file.")
    lengths = {"lengths": np.array([len(prepared)])} if kind.varies else {}
    outputs = trained.model.predict(prepared[None], **lengths)
    return trained.task.answer(raw, outputs, trained.context, prepared[None])
