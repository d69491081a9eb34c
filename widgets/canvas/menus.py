"""Context menus of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QPoint

    from widgets.canvas.edge_item import EdgeKey
    from widgets.canvas.view import CanvasView

    Entry = tuple[str, str, Callable[[], object]] | None


def node_menu(view: CanvasView, node_id: str) -> QMenu:
    """Return the menu of a layer or group; it acts on the selection, of which it is a part."""
    graph, folding = view.editing.graph, view.network.folding
    frozen = not any(graph[i].trainable for i in view.editing.selection)
    is_folded = node_id in folding.inside
    fold = ("Unfold" if is_folded else "Fold", "G", view.groups.toggle)
    group = ("Group", "Ctrl+G", view.groups.make)
    ungroup = ("Ungroup", "Ctrl+Shift+G", view.groups.dissolve)
    has_group = is_folded or bool(graph[folding.layers((node_id,))[0]].group)
    return _menu(
        view,
        (
            ("Rename…", "F2", view.rename),
            ("Duplicate", "Ctrl+D", view.copying.duplicate),
            ("Unfreeze" if frozen else "Freeze", "", view.toggle_trainable),
            ("Freeze up to here", "", view.editing.freeze_up_to_here),
            ("Unfreeze from here", "", view.editing.unfreeze_from_here),
            ("Bypass", "Ctrl+B", view.bypass),
            *(() if is_folded else (("Change its kind…", "Ctrl+T", view.adding.swap_type),)),
            None,
            group,
            *((ungroup, fold) if has_group else ()),
            None,
            ("Cut", "Ctrl+X", view.copying.cut),
            ("Copy", "Ctrl+C", view.copying.copy),
            ("Delete", "Del", view.delete_selection),
            None,
            ("Select everything downstream", "", lambda: view.select_downstream(node_id)),
        ),
    )


def edge_menu(view: CanvasView, key: EdgeKey, at: QPoint) -> QMenu:
    """Return the menu of a connection."""
    return _menu(
        view,
        (
            ("Insert layer…", "", lambda: view.adding.open_quick_add(at, key)),
            ("Delete connection", "Del", lambda: view.editing.disconnect(key)),
        ),
    )


def canvas_menu(view: CanvasView, at: QPoint) -> QMenu:
    """Return the menu of empty ground."""
    return _menu(
        view,
        (
            ("Add layer…", "Space", lambda: view.adding.open_quick_add(at)),
            ("Paste", "Ctrl+V", view.copying.paste),
            ("Select all", "Ctrl+A", view.select_all),
            None,
            ("Tidy", "Shift+A", view.tidy),
            ("Fold all groups", "", view.groups.fold_all),
            ("Unfold all groups", "", view.groups.unfold_all),
            ("Show the whole network", "F", view.fit),
            ("Find…", "Ctrl+F", view.find),
        ),
    )


def _menu(view: CanvasView, entries: tuple[Entry, ...]) -> QMenu:
    menu = QMenu(view)
    menu.setObjectName("canvas_menu")
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        title, keys, action = entry
        # The keys are only shown: the canvas and the window's action table handle them.
        made = menu.addAction(f"{title}\t{keys}" if keys else title)
        made.triggered.connect(lambda _=False, do=action: do())
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
