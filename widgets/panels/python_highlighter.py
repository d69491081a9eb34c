"""Colours Python source: keywords, strings, numbers, comments and names being defined."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat

if TYPE_CHECKING:
    from PySide6.QtGui import QTextDocument

    from widgets.theme import Colors

_TOKENS = re.compile(
    r"(?P<string>[rfb]?\"[^\"\\]*(?:\\.[^\"\\]*)*\"|[rfb]?'[^'\\]*(?:\\.[^'\\]*)*')"
    r"|(?P<comment>#.*)"
    r"|(?P<number>\b\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?\b)"
    r"|(?P<word>\b[A-Za-z_]\w*\b)"
)
_DEFINES = re.compile(r"\b(?:def|class)\s+(\w+)")
_QUOTES = ('"""', "'''")


class PythonHighlighter(QSyntaxHighlighter):
    """Follows a document; a triple-quoted string may run over several lines."""

    def __init__(self, document: QTextDocument, colors: Colors) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self.set_colors(colors)

    def set_colors(self, colors: Colors) -> None:
        """Take over the colours of a theme."""
        series = colors.series
        chosen = {
            "keyword": series[4],
            "string": series[3],
            "number": series[5],
            "comment": colors.text_faint,
            "name": series[0],
            "builtin": series[7],
        }
        self._formats = {kind: _format(color) for kind, color in chosen.items()}
        self._formats["name"].setFontWeight(QFont.Weight.DemiBold)
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        """Colour one line."""
        start = self._long_string(text)
        for token in _TOKENS.finditer(text, start):
            if text.startswith(_QUOTES, token.start()):
                self._long_string(text, token.start())
                return
            kind = token.lastgroup or ""
            if kind == "word":
                kind = _kind_of(token.group())
            if kind:
                self.setFormat(token.start(), len(token.group()), self._formats[kind])
        for name in _DEFINES.finditer(text, start):
            self.setFormat(name.start(1), len(name.group(1)), self._formats["name"])

    def _long_string(self, text: str, start: int = 0) -> int:
        """Colour a triple-quoted string that goes on or begins here; return where it ends."""
        going_on = self.previousBlockState() if start == 0 else -1
        self.setCurrentBlockState(-1)
        opened = text[start : start + 3]
        if going_on in (0, 1):
            quotes, search = _QUOTES[going_on], 0
        elif opened in _QUOTES:
            quotes, search = opened, start + 3
        else:
            return start
        end = text.find(quotes, search)
        stop = len(text) if end < 0 else end + 3
        if end < 0:
            self.setCurrentBlockState(_QUOTES.index(quotes))
        self.setFormat(start, stop - start, self._formats["string"])
        return stop


def _kind_of(word: str) -> str:
    if keyword.iskeyword(word):
        return "keyword"
    return "builtin" if word in ("self", "super") or hasattr(builtins, word) else ""


def _format(color: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(color))
    return made
