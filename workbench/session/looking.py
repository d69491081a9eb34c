"""What the pinned sample looks like inside a network that no longer trains, from its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.inspecting.answers import Look, Looked
from workbench.inspecting.network import Network
from workbench.runs.probes import decode_snapshot

if TYPE_CHECKING:
    from workbench.inspecting.answers import Reply
    from workbench.runs.probes import Snapshot
    from workbench.session.run import RunSession
    from workbench.session.trial import Trial

KEPT = 16
"""Snapshots that are remembered."""


class Looking:
    """Has snapshots made of samples and layers that were not recorded while training.

    The process that answers for the network makes them; `RunSession.updated` is emitted when a
    wanted one has arrived.
    """

    def __init__(self, run: RunSession, trial: Trial) -> None:
        self._run = run
        self._trial = trial
        self._known: dict[Look, Snapshot | None] = {}
        run.opened.connect(self._on_opened)

    def snapshot(
        self, sample: int, layers: tuple[str, ...], attention: tuple[str, ...]
    ) -> Snapshot | None:
        """Return what a sample makes of layers, of the last checkpoint; None: not yet, or never.

        Args:
            sample: as in Watch.
        """
        folder = self._run.folder
        if folder is None or not self._run.state.checkpoints:
            return None
        network = Network(run=str(folder.path), checkpoint="last")
        wanted = Look(network=network, sample=sample, layers=layers, attention=attention)
        if wanted not in self._known:
            while len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[wanted] = None
            self._trial.consult(wanted, lambda reply: self._take(wanted, reply))
        return self._known[wanted]

    def _take(self, wanted: Look, reply: Reply) -> None:
        if isinstance(reply, Looked) and wanted in self._known:
            self._known[wanted] = decode_snapshot(reply.content)
            self._run.updated.emit()

    def _on_opened(self) -> None:
        self._known.clear()
