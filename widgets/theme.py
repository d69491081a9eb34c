"""Colours, fonts and the style sheet, dark and light, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

import resources
from widgets.icons import svg_icon
from widgets.style_sheet import style_sheet

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Colors:
    """Every colour of a theme by role, as #rrggbb."""

    window: str  # canvas and gaps between panels
    panel: str  # side panels, bars
    field: str  # inputs, buttons
    field_hover: str
    node: str
    border: str
    text: str
    text_soft: str  # second lines, hints
    text_faint: str  # placeholders, disabled
    accent: str
    accent_text: str  # on an accent background
    edge: str
    grid: str
    error: str
    warning: str
    success: str
    series: tuple[str, ...]  # curves, in order


DARK = Colors(
    window="#15171c",
    panel="#1c1f26",
    field="#252932",
    field_hover="#2d323d",
    node="#1f232b",
    border="#323845",
    text="#e8eaee",
    text_soft="#a3a9b5",
    text_faint="#8b92a0",
    accent="#5b9dff",
    accent_text="#0d1117",
    edge="#9aa1ad",
    grid="#2a2d35",
    error="#ff6b68",
    warning="#f5b84c",
    success="#4cc38a",
    series=("#5b9dff", "#ff8a65", "#a0a6b2", "#4cc38a", "#b48cff", "#f5b84c", "#f472b6", "#2dd4bf"),
)
LIGHT = Colors(
    window="#f3f4f6",
    panel="#ffffff",
    field="#eff0f4",
    field_hover="#e6e8ee",
    node="#ffffff",
    border="#d5d8df",
    text="#16181d",
    text_soft="#5a6270",
    text_faint="#646b79",
    accent="#1f66d6",
    accent_text="#ffffff",
    edge="#565d6b",
    grid="#e3e5ea",
    error="#c62828",
    warning="#916100",
    success="#187545",
    series=("#1f66d6", "#c9431c", "#686f7d", "#187545", "#7c4dcc", "#916100", "#c2337d", "#0f7d73"),
)

CATEGORY_COLORS = {
    "Input and output": "#8b93a3",
    "Dense": "#ff8a65",
    "Convolution": "#5b9dff",
    "Pooling": "#4cc38a",
    "Normalisation": "#b48cff",
    "Activation": "#f5b84c",
    "Regularisation": "#f472b6",
    "Shape": "#2dd4bf",
    "Merge": "#ff7a59",
    "Recurrent": "#ff8a65",
    "Attention": "#f5b84c",
    "Sound": "#4cc38a",
    "Pretrained": "#5b9dff",
}
"""The same in both themes, so that a colour always means the same."""

FONT_SIZE = 10
"""Points, as the system scales them."""


class Theme(QObject):
    """The theme in force. Widgets that paint themselves read `colors` and follow `changed`."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self.choice = choice
        self.colors = DARK
        self._icons: dict[tuple[str, str], QIcon] = {}
        for file in sorted(resources.path("fonts").glob("*.[ot]tf")):
            QFontDatabase.addApplicationFont(str(file))
        app.setStyle("Fusion")
        self.apply(choice)
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in force."""
        return self.colors is DARK

    def apply(self, choice: str) -> None:
        """Switch to "system", "dark" or "light"."""
        self.choice = choice
        dark = choice == "dark" or (choice == "system" and self._system_is_dark())
        self.colors = DARK if dark else LIGHT
        self._app.setFont(ui_font())
        self._app.setPalette(palette(self.colors))
        self._app.setStyleSheet(style_sheet(self.colors))
        self.changed.emit()

    def icon(self, name: str, color: str = "") -> QIcon:
        """Return an icon by its file's name, in the text colour unless another is given."""
        key = (name, color or self.colors.text)
        if key not in self._icons:
            self._icons[key] = svg_icon(name, key[1], self.colors.text_faint)
        return self._icons[key]

    def severity_color(self, severity: str) -> str:
        """Return the colour of "error" or "warning"; of anything else, the accent."""
        known = {"error": self.colors.error, "warning": self.colors.warning}
        return known.get(severity, self.colors.accent)

    def _on_system_changed(self) -> None:
        if self.choice == "system" and self._system_is_dark() != self.is_dark:
            self.apply("system")

    def _system_is_dark(self) -> bool:
        scheme = self._app.styleHints().colorScheme()
        return scheme != Qt.ColorScheme.Light


def ui_font(points: float = FONT_SIZE, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the font of the window."""
    font = QFont()
    font.setFamilies(["Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans"])
    font.setPointSizeF(points)
    font.setWeight(weight)
    return font


def mono_font(points: float = FONT_SIZE - 1) -> QFont:
    """Return the font of code and shapes."""
    font = QFont()
    font.setFamilies(["JetBrains Mono", "Cascadia Mono", "Menlo", "DejaVu Sans Mono", "monospace"])
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPointSizeF(points)
    return font


def palette(colors: Colors) -> QPalette:
    """Return the Qt palette of a theme."""
    made = QPalette()
    role = QPalette.ColorRole
    for key, value in {
        role.Window: colors.panel,
        role.WindowText: colors.text,
        role.Base: colors.field,
        role.AlternateBase: colors.panel,
        role.Text: colors.text,
        role.Button: colors.field,
        role.ButtonText: colors.text,
        role.ToolTipBase: colors.field,
        role.ToolTipText: colors.text,
        role.PlaceholderText: colors.text_faint,
        role.Highlight: colors.accent,
        role.HighlightedText: colors.accent_text,
        role.Link: colors.accent,
        role.Mid: colors.border,
    }.items():
        made.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, key, QColor(colors.text_faint))
    return made
