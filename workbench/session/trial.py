"""Tries the shown run's network on one sample, asked of a process that keeps it ready."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from workbench.errors import UserError
from workbench.inspecting import (
    Answered,
    Ask,
    Explain,
    Explained,
    Load,
    Loaded,
    Look,
    Network,
    Reply,
    Sample,
)
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
        loaded: the network that is ready; None: none is.
        error: why it is not.
        answered: of the last sample; `explained` follows a moment later.
        doing: what the process is busy with.
    """

    changed = Signal()
    messaged = Signal(Message)
    answered: Answered | None
    explained: Explained | None

    def __init__(self, run: RunSession, command: Sequence[str] = COMMAND) -> None:
        self._run = run
        self._helper = Helper(command, Reply, "answers for the network")
        self._begun = False
        self._sample: Sample | None = None
        self._asked = 0
        self._looks: dict[int, Callable[[Reply], None]] = {}
        self._clear()
        run.opened.connect(self._on_opened)

    def begin(self) -> None:
        """Get the shown network ready, unless it is; call it when somebody looks."""
        if not self._begun or self.error is not None:
            self._begun = True
            self._load()

    def ask(self, sample: Sample) -> None:
        """Try a sample; its explanation follows the answer."""
        self._sample = sample
        self._begun = True
        network = self._network
        if network is not None:
            self._clear_answer()
            self._send(Ask(network=network, sample=sample), "asking")

    def explain(self, target: int) -> None:
        """Say what speaks for another class."""
        if self._network is not None and self._sample is not None and self.answered is not None:
            self.explained = None
            request = Explain(network=self._network, sample=self._sample, target=target)
            self._send(request, "explaining")

    def look(self, request: Look, done: Callable[[Reply], None]) -> None:
        """Ask the process for a snapshot; `done` is called from a later `tick`."""
        self._looks[self._helper.ask(request)] = done

    def forget(self) -> None:
        """Let go of the sample."""
        self._sample = None
        self._clear_answer()
        self.changed.emit()

    def tick(self) -> None:
        """Take over what the process has answered."""
        for reply in self._helper.replies():
            if reply.id == self._asked:
                self._take(reply)
            elif done := self._looks.pop(reply.id, None):
                done(reply)

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    @property
    def _network(self) -> Network | None:
        folder = self._run.folder
        return Network(run=str(folder.path)) if folder is not None else None

    def _clear(self) -> None:
        self.loaded: Loaded | None = None
        self.error: UserError | None = None
        self.doing: Doing = ""
        self._clear_answer()

    def _clear_answer(self) -> None:
        self.answered = self.explained = None

    def _load(self) -> None:
        network = self._network
        self._clear()
        if network is None:
            self.changed.emit()
        else:
            self._send(Load(network=network), "loading")

    def _send(self, request: Load | Ask | Explain, doing: Doing) -> None:
        self._helper.forget(lambda asked: not isinstance(asked, Look))
        self._asked = self._helper.ask(request)
        self.doing = doing
        self.changed.emit()

    def _take(self, reply: Reply) -> None:
        self.doing, was = "", self.doing
        match reply:
            case Loaded():
                self.loaded, self.error = reply, None
                if self._sample is not None:
                    self.ask(self._sample)
            case Answered():
                self.answered = reply
                assert self._sample is not None
                assert self._network is not None
                # What a row of a table rests on has no picture yet.
                if reply.targets and self.loaded is not None and self.loaded.kind != "tables":
                    self._send(Explain(network=self._network, sample=self._sample), "explaining")
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
        self._looks.clear()
        if self._begun:
            self._load()
        else:
            self._clear()
