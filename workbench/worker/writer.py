"""The process that writes for the window: it keeps a language model ready."""

from __future__ import annotations

import time
import traceback
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.inspecting.network import Load, Loaded
from workbench.inspecting.writing import GoOn, Token, Write, WritingRequest, Wrote
from workbench.plugin_api.writing import Sampling
from workbench.reading import Refused
from workbench.runs.folder import RunFolder
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.serving import serve
from workbench.worker.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.inspecting.network import Network
    from workbench.inspecting.writing import WritingReply
    from workbench.worker.writing import Written

PART_SECONDS = 0.08
"""So long it writes before it says what."""
ALTERNATIVES = 8


class WritingProcess:
    """Keeps one network, and the text that it is writing."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._writer: Writer | None = None
        self._key: tuple[Network, str] | None = None
        self._steps: Iterator[Written] = iter(())
        self._left, self._written, self._seconds = 0, 0, 0.0

    def answer(self, request: WritingRequest) -> WritingReply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            match request:
                case Load():
                    trained = self._opened(request.network).trained
                    return Loaded(
                        id=request.id,
                        network=request.network,
                        step=trained.step,
                        kind=trained.info.kind,
                        classes=(),
                    )
                case Write():
                    self._begin(request)
                case GoOn():
                    pass
            return self._some(request.id)
        except UserError as error:
            return Refused(id=request.id, message=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            message = f"The network could not write: {type(error).__name__}: {error}."
            return Refused(id=request.id, message=message, hint="The log has the details.")

    def _begin(self, request: Write) -> None:
        sampling = Sampling(request.temperature, request.top_k, request.top_p)
        writer = self._opened(request.network)
        steps = writer.write(request.prompt, sampling, request.seed, ALTERNATIVES)
        self._steps = islice(steps, request.tokens)
        self._left, self._written, self._seconds = request.tokens, 0, 0.0

    def _some(self, number: int) -> Wrote:
        started = time.perf_counter()
        found: list[Token] = []
        for step in self._steps:
            found.append(
                Token(text=step.text, probability=step.probability, alternatives=step.alternatives)
            )
            if time.perf_counter() - started > PART_SECONDS:
                break
        self._left -= len(found)
        self._written += len(found)
        self._seconds += time.perf_counter() - started
        return Wrote(
            id=number,
            tokens=tuple(found),
            is_done=self._left <= 0 or not found,
            rate=self._written / max(self._seconds, 1e-9),
        )

    def _opened(self, network: Network) -> Writer:
        """Return the network as its checkpoints have it now."""
        folder = RunFolder(Path(network.run))
        names = Checkpoints(folder.checkpoints).names()
        key = (network, names[-1] if names else "")
        if self._writer is None or key != self._key:
            self._writer, self._key = None, None
            self._writer, self._key = Writer(folder, self._catalog, network.checkpoint), key
        return self._writer


def wanted(waiting: Sequence[WritingRequest]) -> list[WritingRequest]:
    """Return the last request: what came before it nobody waits for any more."""
    return list(waiting[-1:])


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(WritingRequest, lambda _: WritingProcess(Catalog.load()), wanted)


if __name__ == "__main__":
    main()
