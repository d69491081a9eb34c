"""The style sheet of a theme: quiet surfaces, one accent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import resources

if TYPE_CHECKING:
    from widgets.theme import Colors


def style_sheet(c: Colors) -> str:
    """Return the style sheet of the whole window in a theme's colours."""
    tone = "dark" if int(c.window[1:3], 16) < 128 else "light"
    parts = (_fields(c, tone), _buttons(c), _containers(c), _views(c, tone), _small(c))
    return "\n".join(parts)


def _picture(name: str, tone: str) -> str:
    return f'url("{resources.path("icons", f"{name}-{tone}.svg").as_posix()}")'


def _fields(c: Colors, tone: str) -> str:
    return f"""
    QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{
        background: {c.field}; border: 1px solid {c.border}; border-radius: 5px;
        padding: 3px 7px; min-height: 20px; selection-background-color: {c.accent};
        selection-color: {c.accent_text}; }}
    QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus,
    QPlainTextEdit:focus {{ border-color: {c.accent}; }}
    QLineEdit:disabled, QComboBox:disabled {{ color: {c.text_faint}; }}
    QLineEdit[wrong="true"], QComboBox[wrong="true"] {{ border-color: {c.error}; }}
    QLineEdit {{ lineedit-clear-button-icon: {_picture("clear", tone)}; }}
    QLineEdit > QToolButton {{ min-height: 0; padding: 0; border: none; background: transparent; }}
    QLineEdit:read-only {{ background: transparent; }}
    QLabel[label="field"] {{ min-height: 28px; }}
    QComboBox:hover {{ background: {c.field_hover}; }}
    QComboBox {{ padding-right: 1px; }}
    QComboBox::drop-down {{ border: none; width: 19px; }}
    QComboBox::down-arrow {{ image: {_picture("arrow", tone)}; width: 12px; height: 12px; }}
    QComboBox QAbstractItemView {{ background: {c.panel}; border: 1px solid {c.border};
        padding: 3px; selection-background-color: {c.field_hover}; selection-color: {c.text}; }}
    QComboBox QAbstractItemView::item {{ min-height: 24px; padding: 0 6px; border-radius: 4px; }}
    QCheckBox, QRadioButton {{ spacing: 8px; background: transparent; }}
    QCheckBox::indicator, QTableView::indicator, QTreeView::indicator {{
        width: 15px; height: 15px; border: 1px solid {c.text_faint};
        border-radius: 3px; background: {c.field}; }}
    QCheckBox::indicator:hover, QTableView::indicator:hover, QTreeView::indicator:hover {{
        background: {c.field_hover}; }}
    QCheckBox::indicator:checked, QTableView::indicator:checked, QTreeView::indicator:checked {{
        image: {_picture("mark", tone)}; }}
    QTableView::indicator:indeterminate, QTreeView::indicator:indeterminate {{
        image: {_picture("partly", tone)}; }}
    QCheckBox:focus, QRadioButton:focus {{ color: {c.accent}; }}
    QCheckBox:disabled {{ color: {c.text_faint}; }}"""


def _buttons(c: Colors) -> str:
    return f"""
    QPushButton, QToolButton {{ background: {c.field}; border: 1px solid {c.border};
        border-radius: 5px; padding: 4px 11px; min-height: 18px; }}
    QPushButton:hover, QToolButton:hover {{ background: {c.field_hover}; }}
    QPushButton:pressed, QToolButton:pressed {{ background: {c.border}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {c.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {c.text_faint}; }}
    QPushButton[primary="true"], QToolButton[primary="true"] {{ background: {c.accent};
        color: {c.accent_text}; border-color: {c.accent}; font-weight: 600; }}
    QPushButton[primary="true"]:focus, QToolButton[primary="true"]:focus {{
        border-color: {c.text}; }}
    QPushButton[primary="true"]:disabled {{ background: {c.field}; color: {c.text_faint};
        border-color: {c.border}; }}
    QPushButton[flat="true"], QToolButton[flat="true"] {{ background: transparent;
        border-color: transparent; padding: 4px; }}
    QPushButton[flat="true"]:hover, QToolButton[flat="true"]:hover {{
        background: {c.field_hover}; }}
    QPushButton[flat="true"]:focus, QToolButton[flat="true"]:focus {{
        border-color: {c.accent}; }}
    QPushButton[flat="true"]:checked, QToolButton[flat="true"]:checked {{
        background: {c.field}; color: {c.accent}; }}
    QPushButton[entry="true"] {{ text-align: left; padding: 4px 8px; }}
    QPushButton[link="true"] {{ background: transparent; border: 1px solid transparent;
        padding: 1px 2px; color: {c.accent}; text-align: left; }}
    QPushButton[link="true"]:hover {{ text-decoration: underline; }}
    QPushButton[link="true"]:focus {{ border-color: {c.accent}; }}
    QPushButton[searchField="true"] {{ color: {c.text_faint}; text-align: left; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QPushButton[card="true"] {{ text-align: left; padding: 12px 14px; border-radius: 8px; }}
    QToolButton::menu-indicator {{ image: none; }}
    QFileDialog QToolButton {{ padding: 3px; }}"""


def _containers(c: Colors) -> str:
    return f"""
    QMainWindow {{ background: {c.window}; }}
    QSplitter::handle {{ background: {c.window}; }}
    QSplitter::handle:hover {{ background: {c.accent}; }}
    QWidget[surface="panel"] {{ background: {c.panel}; }}
    QWidget[surface="tab"] {{ background: {c.panel}; border-top: 1px solid {c.border}; }}
    QWidget[surface="window"] {{ background: {c.window}; }}
    QFrame[bar="top"] {{ background: {c.panel}; border: none;
        border-bottom: 1px solid {c.border}; }}
    QFrame[bar="status"] {{ background: {c.window}; border: none; }}
    QFrame[rule="true"] {{ background: {c.border}; border: none; max-height: 1px;
        min-height: 1px; }}
    QFrame[nested="true"] {{ border: none; border-left: 2px solid {c.border}; }}
    QTabWidget {{ background: {c.window}; }}
    QTabWidget::tab-bar {{ left: 0; }}
    QTabBar {{ background: {c.window}; }}
    QTabBar::tab {{ background: {c.panel}; color: {c.text_soft}; padding: 6px 12px 5px 12px;
        border: none; border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {c.text}; border-bottom-color: {c.accent}; }}
    QTabBar::tab:hover, QTabBar::tab:focus {{ color: {c.text}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {c.border};
        background: {c.panel}; }}
    QMenu, QMenuBar {{ background: {c.panel}; }}
    QMenu {{ border: 1px solid {c.border}; padding: 4px; }}
    QMenu::item {{ padding: 5px 22px 5px 10px; border-radius: 4px; }}
    QMenu::item:selected, QMenuBar::item:selected {{ background: {c.field_hover}; }}
    QMenu::item:disabled {{ color: {c.text_faint}; }}
    QMenu::separator {{ height: 1px; background: {c.border}; margin: 4px 6px; }}
    QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}"""


def _views(c: Colors, tone: str) -> str:
    return f"""
    QTreeView, QListView, QTableView, QPlainTextEdit[log="true"] {{ background: {c.panel};
        border: none; outline: none; alternate-background-color: {c.panel}; }}
    QTreeView {{ selection-background-color: transparent; }}
    QTreeView::item, QListView::item {{ padding: 3px 4px; border-radius: 4px; }}
    QTreeView::item:hover, QListView::item:hover {{ background: {c.field_hover}; }}
    QTreeView::item:selected, QListView::item:selected, QTableView::item:selected {{
        background: {c.field_hover}; color: {c.text}; }}
    QTreeView[table="true"]::item {{ border-radius: 0; }}
    QTreeView::branch {{ background: transparent; }}
    QTreeView::branch:has-children:closed {{ image: {_picture("branch-closed", tone)}; }}
    QTreeView::branch:has-children:open {{ image: {_picture("branch-open", tone)}; }}
    QTableView {{ gridline-color: {c.grid}; }}
    QTableCornerButton::section {{ background: {c.panel}; border: none; }}
    QHeaderView {{ background: {c.panel}; }}
    QHeaderView::section {{ background: {c.panel}; color: {c.text_soft}; border: none;
        border-bottom: 1px solid {c.border}; padding: 4px 6px; }}"""


def _small(c: Colors) -> str:
    return f"""
    QToolTip {{ background: {c.field}; color: {c.text}; border: 1px solid {c.border};
        padding: 4px 6px; }}
    QScrollBar:vertical {{ width: 10px; background: transparent; }}
    QScrollBar:horizontal {{ height: 10px; background: transparent; }}
    QScrollBar::handle {{ background: {c.border}; border-radius: 4px; min-height: 24px;
        min-width: 24px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {c.text_faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QProgressBar {{ background: {c.field}; border: none; border-radius: 3px; max-height: 6px;
        min-height: 6px; text-align: center; }}
    QProgressBar::chunk {{ background: {c.accent}; border-radius: 3px; }}
    QSlider::groove:horizontal {{ height: 3px; background: {c.border}; border-radius: 1px; }}
    QSlider::sub-page:horizontal {{ background: {c.accent}; border-radius: 1px; }}
    QSlider::handle:horizontal {{ width: 12px; margin: -5px 0; border-radius: 6px;
        background: {c.accent}; }}
    QStatusBar {{ background: {c.window}; color: {c.text_soft}; }}
    QStatusBar::item {{ border: none; }}
    QLabel[soft="true"] {{ color: {c.text_soft}; }}
    QLabel[faint="true"] {{ color: {c.text_faint}; }}
    QLabel[drop="true"] {{ color: {c.text_soft}; border: 1px dashed {c.text_faint};
        border-radius: 6px; padding: 8px; }}
    QLabel[heading="true"] {{ font-weight: 600; }}
    QLabel[title="true"] {{ font-size: 17pt; font-weight: 600; }}
    QLabel[severity="error"] {{ color: {c.error}; }}
    QLabel[severity="warning"] {{ color: {c.warning}; }}"""
