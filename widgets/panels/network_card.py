"""The whole network, while nothing is selected: its size and the experiment's notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QWidget

from widgets.fields import set_property
from widgets.panels.column import ScrollColumn, heading, wrapped
from widgets.texts import byte_size, counted, grouped, short_count
from workbench.document.edits import replace
from workbench.errors import UserError
from workbench.session.weights import StartingFit, set_start

if TYPE_CHECKING:
    from workbench.session import Session

NOTES_HEIGHT = 110
UNKNOWN = "Sizes are not known yet: the Problems tab says what is missing."


class NetworkCard(ScrollColumn):
    """Says what there is, and what to do next."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("networkCard", parent)
        self._session = session
        self._title = heading("Network", self)
        self._facts = wrapped("", self)
        self._facts.setObjectName("networkFacts")
        self._start = wrapped("", self, soft=False)
        self._start.setObjectName("startingWeights")
        self._forget = QPushButton("Start from the seed instead", self)
        self._forget.setObjectName("forgetWeights")
        self._forget.setProperty("link", True)
        self._forget.clicked.connect(self._on_forget)
        self._fit = StartingFit()
        self._hint = wrapped("", self)
        self._notes = _Notes(self)
        self._notes.setObjectName("notes")
        self._notes.setAccessibleName("Notes")
        self._notes.setPlaceholderText("What this experiment is about")
        self._notes.setTabChangesFocus(True)
        self._notes.textChanged.connect(self._on_notes_changed)
        self._notes.installEventFilter(self)
        self.add(self._title)
        self.add(self._facts)
        self.add(self._start)
        self.add(self._forget)
        self.add(self._hint)
        self.add(heading("Notes", self), 6)
        self.add(self._notes)

    def refresh(self) -> None:
        """Show the network as it is."""
        document = self._session.document
        experiment, network = document.experiment, document.report.network
        self._facts.setText("\n".join(_facts(self._session)))
        self._facts.setVisible(bool(experiment.graph.nodes))
        self._show_start()
        empty = "Drag layers from the left onto the canvas, or press Space there and type a name."
        known = "Select a layer to change its settings." if network.nodes else UNKNOWN
        self._hint.setText(known if experiment.graph.nodes else empty)
        if self._notes.toPlainText() != experiment.notes:
            self._notes.blockSignals(True)
            self._notes.setPlainText(experiment.notes)
            self._notes.blockSignals(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make one undo step of what was typed until the focus goes."""
        if event.type() == QEvent.Type.FocusOut:
            self._session.document.seal()
        return False

    def _show_start(self) -> None:
        document = self._session.document
        start = document.experiment.start
        self._start.setVisible(start is not None)
        self._forget.setVisible(start is not None)
        if start is None:
            return
        try:
            found = self._fit.of(document)
        except UserError as error:
            self._start.setText(str(error))
            set_property(self._start, "severity", "error")
            return
        used, drawn = (found.used, found.drawn) if found is not None else ((), ())
        if not used and not drawn:  # sizes are not known yet
            self._start.setText(f"Starts from {start.name}.")
            set_property(self._start, "severity", "")
            return
        total = counted(len(used) + len(drawn), "weight")
        rest = f"; the rest, such as {drawn[0]}, from the seed" if drawn else ""
        self._start.setText(f"Starts from {start.name}, {grouped(len(used))} of {total}{rest}.")
        set_property(self._start, "severity", "warning" if drawn else "")

    def _on_forget(self) -> None:
        self._session.attempt(lambda: set_start(self._session.document, None))

    def _on_notes_changed(self) -> None:
        notes = self._notes.toPlainText()
        self._session.attempt(
            lambda: self._session.document.edit(
                lambda e: replace(e, notes=notes), "Change the notes", "notes"
            )
        )


class _Notes(QPlainTextEdit):
    """A text that takes the room of its lines, so that nothing of it has to be scrolled to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(NOTES_HEIGHT)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._fit())
        self.textChanged.connect(self._fit)  # the layout does not tell of the end of a deletion

    def _fit(self) -> None:
        block = self.document().firstBlock()
        line = self.blockBoundingRect(block).height() / max(block.lineCount(), 1)
        text = self.document().size().height() * line  # a plain text counts in lines
        around = self.height() - self.contentsRect().height() + 2 * self.document().documentMargin()
        self.setFixedHeight(max(NOTES_HEIGHT, int(text + around) + 1))


def _facts(session: Session) -> list[str]:
    network = session.document.report.network
    frozen = network.parameters - network.trained_parameters
    lines = [counted(len(session.document.experiment.graph.nodes), "layer")]
    if network.inputs and network.outputs:
        shapes = f"{network.inputs[0].output} → {network.outputs[0].output}"
        lines.append(shapes.replace(" ", "\N{NO-BREAK SPACE}").replace("→", " → "))
    if not network.nodes:
        return lines
    parameters = counted(network.parameters, "parameter")
    if frozen:
        parameters += f", {grouped(network.parameters - frozen)} trainable"
    lines.append(f"{parameters} ({byte_size(4 * network.parameters)})")
    if network.multiply_adds:
        lines.append(f"{short_count(network.multiply_adds)} multiply-adds a sample")
    return lines
