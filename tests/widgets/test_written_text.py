"""What a language model has written keeps to the theme."""

from __future__ import annotations

from PySide6.QtGui import QTextCursor

from widgets.theme import DARK, LIGHT
from widgets.trial.writing import WrittenText
from workbench.inspecting.writing import Token


def test_text_takes_the_colours_of_another_theme(qtbot, theme, monkeypatch):
    text = WrittenText(theme)
    qtbot.addWidget(text)
    text.begin("Emma ")
    words = ("was", " here")
    text.show_tokens([Token(text=word, probability=0.5, alternatives=()) for word in words])
    for colors in (LIGHT, DARK):
        monkeypatch.setattr(theme, "colors", colors)  # without styling every widget anew
        theme.changed.emit()
        for place, wanted in ((3, colors.text_soft), (7, colors.text), (12, colors.text)):
            cursor = QTextCursor(text.document())
            cursor.setPosition(place)
            assert cursor.charFormat().foreground().color().name() == wanted.lower()
