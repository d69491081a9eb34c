"""Lets the shown run's language model write, in a process that keeps it ready."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from workbench.errors import UserError
from workbench.inspecting.network import Load, Loaded, Network
from workbench.inspecting.writing import GoOn, Token, Write, WritingReply, Wrote
from workbench.reading import Refused
from workbench.session.helper import Helper
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.writing import Sampling
    from workbench.session.run import RunSession

COMMAND = (sys.executable, "-P", "-m", "workbench.worker.writer")
Doing = Literal["", "loading", "writing"]


class Writing:
    """What the shown network has written, token by token.

    The process is started by the first `begin` and told of every other run from then on.

    Signals:
        changed(): read the attributes.
        messaged(Message): the network could not write.

    Attributes:
        loaded: the network that is ready; None: none is.
        error: why it is not.
        tokens: written since `write`.
        rate: tokens a second.
        doing: what the process is busy with.
    """

    changed = Signal()
    messaged = Signal(Message)
    loaded: Loaded | None
    error: UserError | None
    tokens: list[Token]
    doing: Doing

    def __init__(self, run: RunSession, command: Sequence[str] = COMMAND) -> None:
        self._run = run
        self._helper = Helper(command, WritingReply, "writes")
        self._begun = False
        self._asked = 0
        self._clear()
        run.opened.connect(self._on_opened)

    def begin(self) -> None:
        """Get the shown network ready, unless it is; call it when somebody looks."""
        if not self._begun or self.error is not None:
            self._begun = True
            self._load()

    def write(self, prompt: str, tokens: int, sampling: Sampling, seed: int) -> None:
        """Continue a text anew."""
        network = self._network
        if network is not None:
            self.tokens, self.rate = [], 0.0
            request = Write(
                network=network,
                prompt=prompt,
                tokens=tokens,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                seed=seed,
            )
            self._send(request, "writing")

    def stop(self) -> None:
        """Write no more; what is written stays."""
        if self.doing == "writing":
            self._helper.forget(lambda _: True)
            self.doing = ""
            self.changed.emit()

    def tick(self) -> None:
        """Take over what the process has written."""
        for reply in self._helper.replies():
            if reply.id == self._asked:
                self._take(reply)

    def close(self) -> None:
        """End the process."""
        self._helper.close()

    @property
    def _network(self) -> Network | None:
        folder = self._run.folder
        return Network(run=str(folder.path)) if folder is not None else None

    def _clear(self) -> None:
        self.loaded, self.error = None, None
        self.tokens, self.rate = [], 0.0
        self.doing = ""

    def _load(self) -> None:
        network = self._network
        self._clear()
        if network is None:
            self.changed.emit()
        else:
            self._send(Load(network=network), "loading")

    def _send(self, request: Load | Write | GoOn, doing: Doing) -> None:
        self._helper.forget(lambda _: True)
        self._asked = self._helper.ask(request)
        self.doing = doing
        self.changed.emit()

    def _take(self, reply: WritingReply) -> None:
        was, self.doing = self.doing, ""
        match reply:
            case Loaded():
                self.loaded, self.error = reply, None
            case Wrote():
                self.tokens += reply.tokens
                self.rate = reply.rate
                if not reply.is_done:
                    self._send(GoOn(), "writing")
                    return
            case Refused():
                error = UserError(reply.message, reply.hint)
                if was == "loading":
                    self.error = error
                else:
                    self.messaged.emit(Message("error", error.message, error.hint))
        self.changed.emit()

    def _on_opened(self) -> None:
        self._helper.forget(lambda _: True)
        if self._begun:
            self._load()
        else:
            self._clear()
            self.changed.emit()
