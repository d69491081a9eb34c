"""Every command as data, and the actions made from it: menus, keys and the command palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PySide6.QtWidgets import QWidget

    from widgets.theme import Theme

MENUS = ("File", "Edit", "Network", "Run", "View", "Help")


@dataclass(frozen=True)
class Command:
    """One thing a person can ask for.

    Attributes:
        id: stable name, "file.save"; keys in the preferences go by it.
        title: what menus and the command palette show.
        run: does it.
        menu: the menu it stands in, as "File" or "File/Open example".
        keys: default shortcuts.
        icon: name of an icon; empty for none.
        enabled: whether it can be done now; None: always.
        help: one sentence for the tool tip; empty: the title says it all.
        group: commands of different groups are parted by a line.
        canvas_only: its keys count while the canvas has the focus, and mean something else in
            fields and lists.
    """

    id: str
    title: str
    run: Callable[[], object]
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    enabled: Callable[[], bool] | None = None
    help: str = ""
    group: int = 0
    canvas_only: bool = False


class Actions(QObject):
    """The commands as Qt actions on a window.

    Signals:
        ran(str): a command was carried out.
    """

    ran = Signal(str)

    def __init__(self, window: QWidget, canvas: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._canvas = canvas
        self._theme = theme
        self._commands: dict[str, Command] = {}
        self._actions: dict[str, QAction] = {}
        theme.changed.connect(self._restyle)

    def __getitem__(self, command_id: str) -> QAction:
        return self._actions[command_id]

    def __contains__(self, command_id: object) -> bool:
        return command_id in self._actions

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def add(self, commands: Sequence[Command]) -> None:
        """Make actions of commands; their ids must be new."""
        for command in commands:
            if command.id in self._commands:
                raise ValueError(f"two commands are called {command.id!r}")
            action = QAction(command.title, self._window)
            action.setObjectName(command.id)
            action.setToolTip(command.help or command.title.rstrip("…"))
            action.triggered.connect(lambda _=False, c=command: self._on_triggered(c))
            self._commands[command.id] = command
            self._actions[command.id] = action
            if command.canvas_only:
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            (self._canvas if command.canvas_only else self._window).addAction(action)
        self.set_keys({})
        self._restyle()

    def set_keys(self, chosen: Mapping[str, str]) -> None:
        """Give every action its keys: a person's own, else the defaults.

        Args:
            chosen: command id to keys, several parted by "; "; an empty text means no keys.
        """
        for command_id, action in self._actions.items():
            default = "; ".join(self._commands[command_id].keys)
            keys = QKeySequence.listFromString(chosen.get(command_id, default))
            action.setShortcuts([sequence for sequence in keys if not sequence.isEmpty()])

    def refresh(self) -> None:
        """Enable what can be done now."""
        for command_id, command in self._commands.items():
            if command.enabled is not None:
                self._actions[command_id].setEnabled(command.enabled())

    def keys_of(self, command_id: str) -> str:
        """Return the first shortcut as a person reads it; empty: none."""
        return self._actions[command_id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)

    def menu(self, parent: QWidget) -> QMenu:
        """Return a menu of all commands, by submenu."""
        top = QMenu(parent)
        top.setObjectName("mainMenu")
        menus: dict[str, QMenu] = {}
        groups: dict[str, int] = {}
        ordered = sorted(self._commands.values(), key=lambda c: MENUS.index(c.menu.split("/")[0]))
        for command in ordered:
            menu = _submenu(top, command.menu, menus)
            if groups.setdefault(command.menu, command.group) != command.group:
                menu.addSeparator()
                groups[command.menu] = command.group
            menu.addAction(self._actions[command.id])
        top.aboutToShow.connect(self.refresh)
        return top

    def _on_triggered(self, command: Command) -> None:
        if command.enabled is None or command.enabled():
            command.run()
            self.ran.emit(command.id)

    def _restyle(self) -> None:
        for command_id, command in self._commands.items():
            if command.icon:
                self._actions[command_id].setIcon(self._theme.icon(command.icon))


def _submenu(top: QMenu, path: str, menus: dict[str, QMenu]) -> QMenu:
    if path not in menus:
        parent, _, title = path.rpartition("/")
        above = _submenu(top, parent, menus) if parent else top
        menus[path] = above.addMenu(title)
        menus[path].setObjectName(f"menu_{path.replace('/', '_').lower()}")
    return menus[path]


ICON_SIZE = QSize(17, 17)
"""Of tool buttons in the top bar."""
