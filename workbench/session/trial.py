"""Tries the shown run's network on one sample, asked of a process that keeps it ready."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from workbench.errors import UserError
from workbench.inspecting.answers import (
    Answered,
    Ask,
    Explain,
    Explained,
    ExplainMethod,
    Look,
    Reply,
    Request,
)
from workbench.inspecting.network import Load, Loaded, Network, Progressed, Sample
from workbench.reading import Refused
from workbench.session.helper import Helper
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.session.run import RunSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.inspector")
Doing = Literal["", "loading", "asking", "explaining"]


class Trial:
    """What the shown network takes one sample for, and what that rests on.

    The process is started by the first `begin` and told of every other run from then on.

    Signals:
        changed(): read the attributes.
        messaged(Message): a sample could not be used.

    Attributes:
        sample: what is tried; None: nothing yet.
        loaded: the network that is ready; None: none is.
        error: why it is not.
        answered: of the last sample; `explained` follows a moment later.
        doing: what the process is busy with.
        method, layer: how pictures are explained; empty: as the process thinks best.
        progress: how far an explanation is that takes long; else None.
    """

    changed = Signal()
    messaged = Signal(Message)
    doing: Doing
    answered: Answered | None
    explained: Explained | None

    def __init__(self, run: RunSession, command: Sequence[str] = COMMAND) -> None:
        self._run = run
        self._helper = Helper(command, Reply, "answers for the network", (Progressed,))
        self.method: ExplainMethod | Literal[""] = ""
        self.layer = ""
        self.progress: Progressed | None = None
        self._begun = False
        self.sample: Sample | None = None
        self._asked = 0
        self._consulted: dict[int, Callable[[Reply], None]] = {}
        self._clear()
        run.opened.connect(self._on_opened)

    def begin(self) -> None:
        """Get the shown network ready, unless it is; call it when somebody looks."""
        if not self._begun or self.error is not None:
            self._begun = True
            self._load()

    def ask(self, sample: Sample) -> None:
        """Try a sample; its explanation follows the answer."""
        self.sample = sample
        self._begun = True
        network = self.network
        if network is not None:
            self._clear_answer()
            self._send(Ask(network=network, sample=sample), "asking")

    def explain(self, target: int) -> None:
        """Say what speaks for another class."""
        if self.answered is not None:
            self.explained = None
            self._explain(target)

    def explain_by(self, method: ExplainMethod | Literal[""], layer: str = "") -> None:
        """Explain in another way, this sample and those to come.

        Args:
            layer: for Grad-CAM; empty: the last one before pooling.
        """
        self.method, self.layer = method, layer
        if self.answered is not None and self.answered.targets:
            kept, self.explained = self.explained, None
            self._explain(kept.target if kept is not None else None)

    def consult(self, request: Request, done: Callable[[Reply], None]) -> int:
        """Ask the process something else; `done` is called from later ticks.

        Returns:
            A number for `withdraw`.
        """
        number = self._helper.ask(request)
        self._consulted[number] = done
        return number

    def withdraw(self, number: int, patience: float = 0.0) -> None:
        """Let go of a request; one older than `patience` seconds is ended with the process.

        What others have asked is asked again.
        """
        if self._consulted.pop(number, None) is not None:
            self._helper.drop(number, patience)

    def forget(self) -> None:
        """Let go of the sample."""
        self.sample = None
        self._clear_answer()
        self.changed.emit()

    def tick(self) -> None:
        """Take over what the process has answered."""
        for reply in self._helper.replies():
            if reply.id == self._asked:
                self._take(reply)
            elif done := self._consulted.get(reply.id):
                if not isinstance(reply, Progressed):
                    del self._consulted[reply.id]
                done(reply)

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    def stop_explaining(self) -> None:
        """End an explanation that takes long; the answer stays."""
        if self.doing == "explaining":
            self._helper.drop(self._asked)
            self.doing, self.progress = "", None
            self.changed.emit()

    @property
    def network(self) -> Network | None:
        """That of the shown run."""
        folder = self._run.folder
        return Network(run=str(folder.path)) if folder is not None else None

    def _clear(self) -> None:
        self.progress = None
        self.layer = ""
        self.loaded: Loaded | None = None
        self.error: UserError | None = None
        self.doing = ""
        self._clear_answer()

    def _clear_answer(self) -> None:
        self.answered = self.explained = None

    def _load(self) -> None:
        network = self.network
        self._clear()
        if network is None:
            self.changed.emit()
        else:
            self._send(Load(network=network), "loading")

    def _send(self, request: Load | Ask | Explain, doing: Doing) -> None:
        self._helper.forget(_is_own)
        self._asked = self._helper.ask(request)
        self.doing, self.progress = doing, None
        self.changed.emit()

    def _explain(self, target: int | None) -> None:
        if self.network is None or self.sample is None:
            return
        request = Explain(
            network=self.network,
            sample=self.sample,
            target=target,
            method=self.method if self._is_picture else "",
            layer=self.layer if self._is_picture else "",
        )
        self._send(request, "explaining")

    @property
    def _is_picture(self) -> bool:
        return self.loaded is not None and self.loaded.kind == "pictures"

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Progressed):
            self.progress = reply
            self.changed.emit()
            return
        self.progress = None
        self.doing, was = "", self.doing
        match reply:
            case Loaded():
                self.loaded, self.error = reply, None
                if self.sample is not None:
                    self.ask(self.sample)
            case Answered():
                self.answered = reply
                # What a row of a table rests on has no picture yet.
                if reply.targets and self.loaded is not None and self.loaded.kind != "tables":
                    self._explain(None)
            case Explained():
                self.explained = reply
            case Refused():
                self._refuse(UserError(reply.message, reply.hint), was)
        self.changed.emit()

    def _refuse(self, error: UserError, was: Doing) -> None:
        if was == "loading":
            self.error = error
        else:
            self.messaged.emit(Message("error", error.message, error.hint))

    def _on_opened(self) -> None:
        self._helper.forget(lambda _: True)
        self._consulted.clear()
        if self._begun:
            self._load()
        else:
            self._clear()


def _is_own(asked: Request) -> bool:
    """Whether a request is of the trial itself, and not of somebody who consults the process."""
    return not isinstance(asked, Look) and not getattr(asked, "asker", "")
