"""Projects vectors for the window, in a process that may be ended at any moment.

`python -m workbench.worker.projector` keeps the vectors last projected, to find neighbours.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.inspecting.network import Array, Progressed
from workbench.inspecting.projection import (
    FindNeighbours,
    FindSimilar,
    Neighbours,
    Project,
    Projected,
    ProjectionReply,
    ProjectionRequest,
    Similar,
)
from workbench.reading import Refused
from workbench.runs.folder import RunFolder
from workbench.worker import projecting
from workbench.worker.serving import serve
from workbench.worker.similar import SimilarSamples
from workbench.worker.trained import newest_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec


class Projector:
    """Answers one request after the other.

    Args:
        say: sends how far a projection is.
    """

    def __init__(self, catalog: Catalog, say: Callable[[msgspec.Struct], None]) -> None:
        self._catalog = catalog
        self._say = say
        self._vectors: projecting.Vectors | None = None
        self._compared: tuple[object, SimilarSamples] | None = None

    def answer(self, request: ProjectionRequest) -> ProjectionReply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            match request:
                case Project():
                    return self._projected(request)
                case FindNeighbours():
                    return self._neighbours(request)
                case FindSimilar():
                    return self._similar(request)
        except UserError as error:
            return Refused(id=request.id, message=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            what = "compared" if isinstance(request, FindSimilar) else "projected"
            message = f"The vectors could not be {what}: {type(error).__name__}: {error}."
            return Refused(id=request.id, message=message, hint="The log has the details.")

    def _projected(self, request: Project) -> Projected:
        def progress(share: float, doing: str) -> None:
            self._say(Progressed(id=request.id, share=share, doing=doing))

        folder = RunFolder(Path(request.network.run))
        of_run = folder, self._catalog, request.network.checkpoint, request.node, request.most
        if request.tokens:
            vectors = projecting.token_vectors(*of_run)
        else:
            progress(-1.0, "Getting the network ready")
            vectors = projecting.sample_vectors(*of_run, progress=progress)
        points, kept = projecting.project(vectors.values, request.method, request.seed, progress)
        self._vectors = vectors
        return Projected(
            id=request.id,
            points=Array.of(points),
            labels=vectors.labels,
            targets=vectors.targets,
            classes=vectors.classes,
            kept=kept,
            total=vectors.total,
        )

    def _neighbours(self, request: FindNeighbours) -> Neighbours:
        if self._vectors is None or not 0 <= request.index < len(self._vectors.values):
            raise UserError("Nothing was projected yet.", "Project first.")
        found = projecting.neighbours(self._vectors.values, request.index, request.count)
        return Neighbours(
            id=request.id, index=request.index, indices=found[0], similarities=found[1]
        )

    def _similar(self, request: FindSimilar) -> Similar:
        def progress(share: float, doing: str) -> None:
            self._say(Progressed(id=request.id, share=share, doing=doing))

        folder = RunFolder(Path(request.network.run))
        key = request.network, newest_checkpoint(folder)
        if self._compared is None or self._compared[0] != key:
            progress(-1.0, "Getting the network ready")
            self._compared = None
            found = SimilarSamples(folder, self._catalog, request.network.checkpoint)
            self._compared = key, found
        compared = self._compared[1]
        alike = compared.find(request.sample, request.node, request.count, progress)
        samples = compared.training
        targets = samples.targets
        return Similar(
            id=request.id,
            node=request.node,
            indices=alike.indices,
            distances=alike.distances,
            names=tuple(samples.name(index) for index in alike.indices),
            targets=tuple(int(targets[index]) for index in alike.indices)
            if compared.has_classes
            else (),
            total=alike.total,
        )


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(ProjectionRequest, lambda say: Projector(Catalog.load(), say), lambda waiting: waiting)


if __name__ == "__main__":
    main()
