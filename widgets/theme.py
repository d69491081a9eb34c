"""Colours, fonts and the style sheet, dark and light, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette

import resources

if TYPE_CHECKING:
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
    window="#16171b",
    panel="#1c1e24",
    field="#24272e",
    field_hover="#2c3038",
    node="#1f2229",
    border="#31353e",
    text="#e8eaee",
    text_soft="#a3a9b5",
    text_faint="#7b818e",
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
    text_faint="#737a88",
    accent="#1f66d6",
    accent_text="#ffffff",
    edge="#565d6b",
    grid="#e3e5ea",
    error="#c62828",
    warning="#9a6700",
    success="#1a7f4b",
    series=("#1f66d6", "#e4572e", "#7b8290", "#1a7f4b", "#7c4dcc", "#9a6700", "#c2337d", "#0f857a"),
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
        for file in sorted(resources.path("fonts").glob("*.[ot]tf")):
            QFontDatabase.addApplicationFont(str(file))
        app.setStyle("Fusion")
        self.apply(choice)

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


def style_sheet(c: Colors) -> str:
    """Return the style sheet of a theme: quiet surfaces, one accent."""
    return f"""
    QMainWindow, QMainWindow::separator {{ background: {c.window}; }}
    QMainWindow::separator {{ width: 1px; height: 1px; background: {c.border}; }}
    QToolTip {{ background: {c.field}; color: {c.text}; border: 1px solid {c.border};
        padding: 4px 6px; }}
    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{
        background: {c.field}; border: 1px solid {c.border}; border-radius: 5px;
        padding: 4px 7px; min-height: 18px; selection-background-color: {c.accent};
        selection-color: {c.accent_text}; }}
    QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
    QPlainTextEdit:focus {{ border-color: {c.accent}; }}
    QPushButton, QToolButton {{ background: {c.field}; border: 1px solid {c.border};
        border-radius: 5px; padding: 5px 12px; }}
    QPushButton:hover, QToolButton:hover {{ background: {c.field_hover}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {c.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {c.text_faint}; }}
    QPushButton[primary="true"] {{ background: {c.accent}; color: {c.accent_text};
        border-color: {c.accent}; font-weight: 600; }}
    QToolButton[flat="true"] {{ background: transparent; border-color: transparent;
        padding: 4px; }}
    QToolButton[flat="true"]:hover {{ background: {c.field_hover}; }}
    QTabBar {{ background: transparent; }}
    QTabBar::tab {{ background: transparent; color: {c.text_soft}; padding: 7px 12px;
        border: none; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {c.text}; border-bottom-color: {c.accent};
        background: {c.panel}; }}
    QTabBar::tab:hover {{ color: {c.text}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {c.border}; }}
    QTreeView, QListView, QTableView {{ background: {c.panel}; border: none; outline: none; }}
    QTreeView::item, QListView::item {{ padding: 3px 4px; border-radius: 4px; }}
    QTreeView::item:hover, QListView::item:hover {{ background: {c.field_hover}; }}
    QTreeView::item:selected, QListView::item:selected, QTableView::item:selected {{
        background: {c.field_hover}; color: {c.text}; }}
    QHeaderView::section {{ background: {c.panel}; color: {c.text_soft}; border: none;
        border-bottom: 1px solid {c.border}; padding: 4px 6px; }}
    QMenu, QMenuBar {{ background: {c.panel}; }}
    QMenu {{ border: 1px solid {c.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 22px 5px 12px; border-radius: 4px; }}
    QMenu::item:selected, QMenuBar::item:selected {{ background: {c.field_hover}; }}
    QMenu::separator {{ height: 1px; background: {c.border}; margin: 4px 6px; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ width: 10px; background: transparent; }}
    QScrollBar:horizontal {{ height: 10px; background: transparent; }}
    QScrollBar::handle {{ background: {c.border}; border-radius: 4px; min-height: 24px;
        min-width: 24px; margin: 1px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QProgressBar {{ background: {c.field}; border: none; border-radius: 3px; max-height: 6px;
        text-align: center; }}
    QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
    QSlider::groove:horizontal {{ height: 3px; background: {c.border}; border-radius: 1px; }}
    QSlider::sub-page:horizontal {{ background: {c.accent}; border-radius: 1px; }}
    QSlider::handle:horizontal {{ width: 12px; margin: -5px 0; border-radius: 6px;
        background: {c.accent}; }}
    QStatusBar {{ background: {c.window}; color: {c.text_soft}; }}
    QStatusBar::item {{ border: none; }}
    QLabel[soft="true"] {{ color: {c.text_soft}; }}
    QLabel[heading="true"] {{ font-weight: 600; }}
    """
