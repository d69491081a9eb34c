"""Answers for a person's own files, with the run's own preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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
    return [(path, _answer(trained, path)) for path in paths]


def _answer(trained: Trained, path: Path) -> Prediction | UserError:
    preprocessing = trained.preprocessing
    try:
        raw = preprocessing.read_file(str(path))
    except UserError as error:
        return error
    prepared = preprocessing.scale(preprocessing.shape(raw), trained.fitted)
    outputs = trained.model.predict(prepared[None])
    return trained.task.predictions(outputs, trained.network, trained.info.classes)[0]
