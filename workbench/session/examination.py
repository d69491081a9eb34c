"""One sample of the shown run's data: the answer, and what speaks for several classes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from psygnal import Signal

from workbench.errors import UserError
from workbench.inspecting.answers import Answered, Ask, Explain, Explained
from workbench.inspecting.network import DataSample, Load, Loaded, Progressed
from workbench.reading import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.inspecting.answers import ExplainMethod, Reply
    from workbench.plugin_api.data import SplitName
    from workbench.session.run import RunSession
    from workbench.session.trial import Trial

ASKER = "examination"
PATIENCE = 3.0
"""Seconds that the process may go on with what nobody wants; to begin anew costs as much."""


class Examination:
    """What the shown network takes a sample of its data for, and why.

    The process that answers for the network does the work, beside what is tried.

    Signals:
        changed(): read the attributes.

    Attributes:
        sample: what is looked at; None: nothing.
        loaded: the network; its classes and layers.
        answered: what it takes the sample for.
        explained: by class number, as they come; first the answer, then the true class.
        error: why there is no answer, or no explanation.
        progress: how far an explanation is that takes long; else None.
        method, layer: how it is explained; empty: as the process thinks best.
    """

    changed = Signal()
    answered: Answered | None
    explained: dict[int, Explained]
    error: UserError | None
    progress: Progressed | None

    def __init__(self, run: RunSession, trial: Trial) -> None:
        self._trial = trial
        self.sample: DataSample | None = None
        self.loaded: Loaded | None = None
        self.method: ExplainMethod | Literal[""] = ""
        self.layer = ""
        self._number = 0
        self._wanted: list[int] = []
        self._labels: tuple[str, ...] = ()
        self._forget()
        run.opened.connect(self._on_opened)

    def look_at(self, split: SplitName, index: int, labels: Sequence[str] = ()) -> None:
        """Examine another sample.

        Args:
            labels: names of the classes to explain; none: the answer and the true class.
        """
        self._labels = tuple(labels)
        is_loading = bool(self._number) and self.loaded is None
        if not is_loading:
            self._withdraw(PATIENCE)
        self._forget()
        self.sample = DataSample(split, index)
        if not is_loading:
            self._ask()
        self.changed.emit()

    def explain_by(self, method: ExplainMethod | Literal[""], layer: str = "") -> None:
        """Explain in another way.

        Args:
            layer: for Grad-CAM; empty: the last one before pooling.
        """
        self.method, self.layer = method, layer
        if self.answered is not None:
            self._withdraw(PATIENCE)
            self.explained = {}
            self.error = None
            self._want_explanations()
            self.changed.emit()

    def stop(self) -> None:
        """End what takes too long; what is there stays."""
        self._wanted = []
        self._withdraw()
        self.changed.emit()

    def close(self) -> None:
        """Look at nothing."""
        self._wanted = []
        self._withdraw(PATIENCE)
        self._forget()
        self.sample = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer or an explanation is awaited."""
        return bool(self._number)

    def _forget(self) -> None:
        self.answered = self.error = self.progress = None
        self.explained = {}

    def _withdraw(self, patience: float = 0.0) -> None:
        number, self._number = self._number, 0
        self.progress = None
        if number:
            self._trial.withdraw(number, patience)

    def _ask(self) -> None:
        network = self._trial.network
        if network is None or self.sample is None:
            return
        if self.loaded is None:
            self._number = self._trial.consult(Load(network=network), self._take)
        else:
            request = Ask(network=network, sample=self.sample, asker=ASKER)
            self._number = self._trial.consult(request, self._take)

    def _take(self, reply: Reply) -> None:
        if reply.id != self._number:
            return
        if isinstance(reply, Progressed):
            self.progress = reply
            self.changed.emit()
            return
        self._number, self.progress = 0, None
        match reply:
            case Loaded():
                self.loaded = reply
                self._ask()
            case Answered():
                self.answered = reply
                self._want_explanations()
            case Explained():
                self.explained[reply.target] = reply
                self._explain()
            case Refused():
                self.error = UserError(reply.message, reply.hint)
        self.changed.emit()

    def _want_explanations(self) -> None:
        """Explain the named classes, or the answer and the true one; two, the likeliest then."""
        assert self.answered is not None
        classes = self.loaded.classes if self.loaded is not None else ()
        targets = self.answered.targets
        wanted = [classes.index(label) for label in self._labels if label in classes]
        if not wanted:
            wanted = [*targets[:1], *([self.answered.truth] if self.answered.truth >= 0 else [])]
        self._wanted = list(dict.fromkeys([*wanted, *targets]))[:2] if targets else []
        self._explain()

    def _explain(self) -> None:
        network = self._trial.network
        if not self._wanted or network is None or self.sample is None:
            return
        request = Explain(
            network=network,
            sample=self.sample,
            target=self._wanted.pop(0),
            method=self.method,
            layer=self.layer,
            asker=ASKER,
        )
        self._number = self._trial.consult(request, self._take)

    def _on_opened(self) -> None:
        self._number, self._wanted = 0, []
        self._forget()
        self.loaded = self.sample = None
        self.layer = ""
        self.changed.emit()
