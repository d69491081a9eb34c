"""A list of samples as text, in which a person reads what was said of them and corrects them."""

from __future__ import annotations

from bisect import bisect_right
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QTextBrowser

from widgets.correcting import may_correct, target_menu
from widgets.monitor.answer_rows import PART
from widgets.monitor.sample_texts import SampleText, SampleTexts
from workbench.errors import UserError
from workbench.plugin_api.targets import read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from PySide6.QtCore import QPoint, QUrl
    from PySide6.QtGui import QMouseEvent, QTextBlock
    from PySide6.QtWidgets import QMenu

    from widgets.theme import Theme
    from workbench.runs.results import Results
    from workbench.session import Session

SAMPLE = "sample:"
"""What links to all that can be done with a sample begin with; its row follows."""
TOLD = "Correct it, or leave it out, from the next training on; the file stays (right button)"


class WrittenSamples(QTextBrowser):
    """One paragraph a sample, with the way to correct it.

    Args:
        written: returns a row's sample as HTML, from its text and its new target if it has one.
        extend: adds to the menu what can be done with one part of a row's sample, if anything.
    """

    def __init__(
        self,
        session: Session,
        theme: Theme,
        written: Callable[[int, SampleText, NDArray[np.generic] | None], str],
        extend: Callable[[QMenu, int, int], None] | None = None,
    ) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._written_of, self._extend = written, extend
        self._rows: Sequence[int] = ()
        self._labels: Mapping[str, str | None] = session.correcting.labels
        self._starts: list[int] = []
        self._clicked: QPoint | None = None
        self.texts = SampleTexts(session, self.refresh)
        self.setOpenLinks(False)
        self.setLineWrapMode(QTextBrowser.LineWrapMode.WidgetWidth)
        self.anchorClicked.connect(self._on_link)
        self.highlighted.connect(self._on_pointed)
        session.document.experiment_changed.connect(self._on_edited)
        session.data.info_changed.connect(self._on_described)
        theme.changed.connect(self.refresh)

    def begin(self, results: Results | None) -> None:
        """Forget the samples, and go on with those of other results."""
        self.texts.begin(results)
        self.show_rows(())

    def show_rows(self, rows: Sequence[int]) -> None:
        """Show other samples, by their rows in the results."""
        self._rows = rows
        self.refresh()

    def refresh(self) -> None:
        """Write the samples anew, at the same place."""
        place = self.verticalScrollBar().value()
        self.setHtml("".join(map(self._paragraph, self._rows)))
        self._starts = self._find_starts()
        self.verticalScrollBar().setValue(place)

    def new_target(self, row: int) -> NDArray[np.generic] | None:
        """Return what a sample was corrected to; None where it was not, or is left out."""
        label = self._correction(row)
        info = self._session.data.info
        if label is None or info is None:
            return None
        try:
            return np.asarray(read_target(label, info))
        except UserError:
            return None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the place for the menu of a link that is clicked."""
        self._clicked = event.globalPosition().toPoint()
        super().mouseReleaseEvent(event)
        self._clicked = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to correct the sample there, or all that are selected."""
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        cursor = self.textCursor() if is_key else self.cursorForPosition(event.pos())
        chosen = self.textCursor()
        inside = chosen.selectionStart() <= cursor.position() <= chosen.selectionEnd()
        first = last = cursor.position()
        if chosen.hasSelection() and inside:
            first, last = chosen.selectionStart(), chosen.selectionEnd() - 1
        at = self.viewport().mapToGlobal(self.cursorRect(cursor).center())
        link = self._link() if is_key else self.anchorAt(event.pos())
        self._offer(self._between(first, last), at if is_key else event.globalPos(), link)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Go with Tab from sample to sample; parts are reached by the mouse."""
        while super().focusNextPrevChild(forward):
            if not self.hasFocus() or not self._link().startswith(PART):
                return True
        return False

    def _offer(self, rows: Sequence[int], place: QPoint, link: str) -> None:
        """Open the menu of samples, and of a part; of what cannot be corrected, one to copy."""
        samples = {}
        for each in map(self.texts.__getitem__, rows):
            if each.sample_id:
                label = self._labels.get(each.sample_id)
                samples[each.sample_id] = each.label if label is None else label
        copied = self.textCursor().hasSelection() and not self._link()
        if samples and may_correct(self._session):
            menu = target_menu(self._session, samples, self)
            if self._extend is not None and link.startswith(PART) and len(rows) == 1:
                self._extend(menu, rows[0], int(link.rpartition("/")[2]))
            if copied:
                menu.addSeparator()
                menu.addAction("Copy").triggered.connect(self.copy)
            menu.popup(place)
        elif copied:
            self.createStandardContextMenu(place).popup(place)

    def _paragraph(self, row: int) -> str:
        known, colors = self.texts[row], self._theme.colors
        new = self.new_target(row)
        written = self._written_of(row, known, new)
        told = self._in_words(row) if new is None or new.dtype.kind == "f" else "corrected"
        mark = f' &nbsp;<span style="color:{colors.accent}">{escape(told)}</span>' if told else ""
        link = ""
        if known.sample_id:
            look = f"color:{colors.text_faint}; text-decoration:none"
            link = f' &nbsp;<a href="{SAMPLE}{row}" style="{look}">Correct…</a>'
        return (
            f'<p style="margin:0 0 10px 0; line-height:135%"><a name="{row}"></a>'
            f"{written}{mark}{link}</p>"
        )

    def _in_words(self, row: int) -> str:
        sample_id = self.texts[row].sample_id
        return self._session.correcting.in_words(sample_id) if self._fits() else ""

    def _correction(self, row: int) -> str | None:
        return self._labels.get(self.texts[row].sample_id) if self._fits() else None

    def _fits(self) -> bool:
        experiment = self._session.run.experiment
        return experiment is not None and self._session.correcting.fits(experiment.data)

    def _find_starts(self) -> list[int]:
        """Return where in the text each sample begins."""
        found = []
        block = self.document().begin()
        while block.isValid():
            found += _named(block)
            block = block.next()
        return found

    def _between(self, first: int, last: int) -> list[int]:
        begin, end = (max(bisect_right(self._starts, each) - 1, 0) for each in (first, last))
        return list(self._rows[begin : end + 1])

    def _link(self) -> str:
        return self.textCursor().charFormat().anchorHref()

    def _on_link(self, link: QUrl) -> None:
        here = self.viewport().mapToGlobal(self.cursorRect().bottomLeft())
        row = link.toString().partition(":")[2].partition("/")[0]
        self._offer([int(row)], self._clicked or here, link.toString())

    def _on_pointed(self, link: QUrl) -> None:
        self.viewport().setToolTip(TOLD if link.toString().startswith(SAMPLE) else "")

    def _on_edited(self) -> None:
        labels = self._session.correcting.labels
        if labels is not self._labels:
            self._labels = labels
            self.refresh()

    def _on_described(self) -> None:
        if self._labels:
            self.refresh()


def _named(block: QTextBlock) -> list[int]:
    """Return where in a block there are names."""
    found, pieces = [], block.begin()
    while not pieces.atEnd():
        piece = pieces.fragment()
        if piece.charFormat().anchorNames():
            found.append(piece.position())
        pieces += 1
    return found
