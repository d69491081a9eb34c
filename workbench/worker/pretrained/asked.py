"""Answers what the window asks of networks that can be imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.reading import (
    Importing,
    ImportModel,
    ListModels,
    ModelImported,
    ModelsListed,
    Reply,
)
from workbench.worker.pretrained.importing import Wish, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.catalog import Catalog


def answer(
    request: ListModels | ImportModel, catalog: Catalog, tell: Callable[[Reply], None]
) -> ModelsListed | ModelImported:
    """List networks, or import one and say on the way what is being done.

    Raises:
        UserError: the network cannot be imported.
    """
    if isinstance(request, ListModels):
        return _listed(request, catalog)
    wish = Wish(
        source=request.source,
        architecture=request.architecture,
        published=request.published,
        classes=request.classes,
        freeze=request.freeze,
        base=request.base,
        folder=Path(request.folder),
    )
    taken = take(wish, catalog, lambda words: tell(Importing(id=request.id, words=words)))
    return ModelImported(id=request.id, experiment=taken.experiment, report=taken.report)


def _listed(request: ListModels, catalog: Catalog) -> ModelsListed:
    importers = [kind() for kind in catalog.importers]
    missing = {
        importer.id: f"{found.reason} {found.install}"
        for importer in importers
        if not (found := importer.availability()).ok
    }
    models = tuple(each for importer in importers for each in importer.architectures())
    return ModelsListed(id=request.id, models=models, missing=missing)
