"""Imports networks for the window in a process of its own: `python -m workbench.worker.adopter`."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.adopting import (
    Importing,
    ImportModel,
    ListModels,
    ModelImported,
    ModelsListed,
    Reply,
    Request,
)
from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.reading import Refused
from workbench.worker.pretrained.importing import Wish, take
from workbench.worker.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec


class Adopter:
    """Lists networks, and imports one after the other.

    Args:
        tell: sends what is being done.
    """

    def __init__(self, catalog: Catalog, tell: Callable[[msgspec.Struct], None]) -> None:
        self._catalog = catalog
        self._tell = tell

    def answer(self, request: Request) -> Reply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            if isinstance(request, ListModels):
                return self._listed(request)
            return self._imported(request)
        except UserError as error:
            return Refused(id=request.id, message=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            message = f"The network cannot be imported: {type(error).__name__}: {error}."
            return Refused(id=request.id, message=message, hint="The log has the details.")

    def _listed(self, request: ListModels) -> ModelsListed:
        importers = [kind() for kind in self._catalog.importers]
        missing = {
            importer.id: f"{found.reason} {found.install}"
            for importer in importers
            if not (found := importer.availability()).ok
        }
        models = tuple(each for importer in importers for each in importer.architectures())
        return ModelsListed(id=request.id, models=models, missing=missing)

    def _imported(self, request: ImportModel) -> ModelImported:
        wish = Wish(
            source=request.source,
            architecture=request.architecture,
            published=request.published,
            classes=request.classes,
            freeze=request.freeze,
            lora=request.lora,
            base=request.base,
            folder=Path(request.folder),
            beside=request.beside,
        )

        def tell(words: str) -> None:
            self._tell(Importing(id=request.id, words=words))

        taken = take(wish, self._catalog, tell)
        return ModelImported(id=request.id, experiment=taken.experiment, report=taken.report)


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(Request, lambda tell: Adopter(Catalog.load(), tell), lambda waiting: waiting)


if __name__ == "__main__":
    main()
