"""The table of all commands of the window, in the order of its menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import resources
from widgets.actions import Command
from widgets.texts import percent
from workbench.document.groups import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from widgets.main_window import MainWindow


def commands(window: MainWindow) -> list[Command]:
    """Return every command of a window."""
    return [
        *_file(window),
        *_edit(window),
        *_network(window),
        *_run(window),
        *_view(window),
        *_help(window),
    ]


def _file(window: MainWindow) -> Iterator[Command]:
    files, windows = window.files, window.windows
    yield Command("file.new", "New experiment…", window.show_welcome, "File", ("Ctrl+N",), "plus")
    yield Command("file.open", "Open…", windows.open_file, "File", ("Ctrl+O",), "folder")
    for name in resources.examples():
        title = example_title(name)
        yield Command(
            f"file.example.{name}",
            f"Open example: {title}",
            lambda n=name: files.open_example(n) and window.show_workbench(),
            "File/Open example",
        )
    yield Command("file.save", "Save", files.save, "File", ("Ctrl+S",), "save", group=1)
    yield Command("file.save_as", "Save as…", files.save_as, "File", ("Ctrl+Shift+S",), group=1)
    yield Command(
        "file.import_model",
        "Import model…",
        windows.import_model,
        "File",
        ("Ctrl+I",),
        "layers",
        None,
        "Bring in a network with its weights: by name, or from a file of PyTorch or Keras",
        group=2,
    )
    yield Command(
        "file.load_weights",
        "Load weights…",
        windows.load_weights,
        "File",
        (),
        "layers",
        lambda: bool(window.session.document.report.network.parameters),
        "Let training start from the weights of a file, of PyTorch, Keras or safetensors",
        group=2,
    )
    yield Command(
        "file.export",
        "Export…",
        windows.export,
        "File",
        ("Ctrl+E",),
        "export",
        None,
        "Take the trained weights or the whole network away as files",
        group=2,
    )
    yield Command(
        "file.preferences",
        "Preferences…",
        windows.preferences,
        "File",
        ("Ctrl+,",),
        "settings",
        group=3,
    )
    yield Command("file.quit", "Quit", window.close, "File", ("Ctrl+Q",), group=3)


def _edit(window: MainWindow) -> Iterator[Command]:
    document, canvas = window.session.document, window.page.canvas

    def selected() -> bool:
        return bool(document.selection)

    yield Command(
        "edit.undo",
        "Undo",
        document.undo,
        "Edit",
        ("Ctrl+Z",),
        "undo",
        lambda: bool(document.undo_title),
    )
    yield Command(
        "edit.redo",
        "Redo",
        document.redo,
        "Edit",
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        "redo",
        lambda: bool(document.redo_title),
    )
    for command_id, title, run, keys, enabled in (
        ("edit.cut", "Cut", canvas.copying.cut, ("Ctrl+X",), selected),
        ("edit.copy", "Copy", canvas.copying.copy, ("Ctrl+C",), selected),
        ("edit.paste", "Paste", canvas.copying.paste, ("Ctrl+V",), None),
        ("edit.delete", "Delete", canvas.delete_selection, ("Del", "Backspace"), None),
        ("edit.select_all", "Select all", canvas.select_all, ("Ctrl+A",), None),
    ):
        yield Command(
            command_id, title, run, "Edit", keys, enabled=enabled, group=1, canvas_only=True
        )
    yield Command(
        "edit.duplicate",
        "Duplicate",
        canvas.copying.duplicate,
        "Edit",
        ("Ctrl+D",),
        "copy",
        selected,
        group=1,
    )
    yield Command("edit.find", "Find layer", canvas.find, "Edit", ("Ctrl+F",), "search", group=2)


def _network(window: MainWindow) -> Iterator[Command]:
    document, canvas = window.session.document, window.page.canvas

    def selected() -> bool:
        return bool(document.selection)

    yield Command("net.add", "Add layer…", canvas.adding.open_quick_add, "Network", icon="plus")
    yield Command("net.tidy", "Tidy", canvas.tidy, "Network", ("Shift+A",), "tidy")
    yield Command(
        "net.rename",
        "Rename layer",
        canvas.rename,
        "Network",
        ("F2",),
        "rename",
        selected,
        group=1,
    )
    yield Command(
        "net.bypass",
        "Bypass",
        canvas.bypass,
        "Network",
        ("Ctrl+B",),
        "",
        selected,
        "Let what follows the selected layers take their input; the layers stay beside the way",
        group=1,
    )
    yield Command(
        "net.swap_type",
        "Change the kind of the layer…",
        canvas.adding.swap_type,
        "Network",
        ("Ctrl+T",),
        "",
        selected,
        "Put another kind of layer in its place; settings that both have are kept",
        group=1,
    )
    yield Command(
        "net.trainable",
        "Freeze or unfreeze",
        canvas.toggle_trainable,
        "Network",
        (),
        "lock",
        selected,
        "Keep the weights of the selected layers as they are, or train them again",
        group=1,
    )
    yield from _groups(window)
    yield from _retraining(window)


def _groups(window: MainWindow) -> Iterator[Command]:
    document, canvas = window.session.document, window.page.canvas

    def selected() -> bool:
        return bool(document.selection)

    def has_groups() -> bool:
        return bool(paths(document.experiment.graph))

    for name, title, run, keys, enabled, help_text in (
        (
            "group",
            "Group",
            canvas.groups.make,
            "Ctrl+G",
            selected,
            "Put the selected layers together",
        ),
        (
            "ungroup",
            "Ungroup",
            canvas.groups.dissolve,
            "Ctrl+Shift+G",
            selected,
            "Dissolve the group; its layers stay",
        ),
        (
            "toggle_fold",
            "Fold or unfold",
            canvas.groups.toggle,
            "G",
            selected,
            "Show the group as one node, or the layers in it",
        ),
        ("fold_all", "Fold all groups", canvas.groups.fold_all, "", has_groups, ""),
        ("unfold_all", "Unfold all groups", canvas.groups.unfold_all, "", has_groups, ""),
    ):
        yield Command(
            f"net.{name}",
            title,
            run,
            "Network",
            (keys,) if keys else (),
            enabled=enabled,
            help=help_text,
            group=2,
            canvas_only=True,
        )


def _retraining(window: MainWindow) -> Iterator[Command]:
    own, editing = window.retraining, window.page.canvas.editing
    for name, title, run, enabled, help_text in (
        (
            "freeze_up_to",
            "Freeze up to here",
            editing.freeze_up_to_here,
            lambda: own.has_selection,
            "What is selected and everything before it",
        ),
        (
            "freeze_from",
            "Unfreeze from here",
            editing.unfreeze_from_here,
            lambda: own.has_selection,
            "What is selected and everything after it",
        ),
        (
            "freeze_body",
            "Freeze all but the head",
            own.freeze_body,
            lambda: own.has_weights,
            "Train the last layer alone, as one begins with a pretrained network",
        ),
        (
            "add_adapters",
            "Add LoRA adapters…",
            own.add_adapters_dialog,
            lambda: own.has_weights,
            "Train small factors beside the matrices of the body, and the head",
        ),
        (
            "load_adapters",
            "Load LoRA adapters…",
            own.load_adapters_dialog,
            lambda: own.has_weights,
            "Apply adapters of a file to the network they were trained on, and go on from them",
        ),
        (
            "remove_adapters",
            "Remove LoRA adapters",
            own.remove_adapters,
            lambda: own.has_adapters,
            "Train the layers themselves again",
        ),
        (
            "spread_rates",
            "Smaller rates for earlier layers…",
            own.spread_rates_dialog,
            lambda: own.has_weights,
            "Spread learning rates over the depth of the network",
        ),
    ):
        yield Command(
            f"net.{name}", title, run, "Network", enabled=enabled, help=help_text, group=3
        )


def _run(window: MainWindow) -> Iterator[Command]:
    runs = window.runs
    for command_id, title, run, keys, icon, enabled, help_text in (
        ("train", "Train", runs.train, ("F5",), "play", "can_train", "Train from scratch"),
        ("pause", "Pause", runs.pause, ("F6",), "pause", "can_pause", "Pause after this step"),
        ("resume", "Resume", runs.resume, ("F7",), "play", "can_resume", "Go on where it stopped"),
        (
            "stop",
            "Stop",
            runs.stop,
            ("Shift+F5",),
            "stop",
            "can_stop",
            "Finish the step, save and end; a second time: end at once",
        ),
    ):
        yield Command(
            f"run.{command_id}",
            title,
            run,
            "Run",
            keys,
            icon,
            lambda name=enabled: getattr(runs, name),
            help_text,
        )
    yield Command(
        "run.continue",
        "Continue for more epochs…",
        runs.continue_dialog,
        "Run",
        enabled=lambda: runs.can_continue,
        group=1,
    )
    yield Command(
        "run.save_now",
        "Save a checkpoint now",
        runs.save_now,
        "Run",
        enabled=lambda: runs.can_stop,
        group=1,
    )
    yield Command(
        "run.compare_backends",
        "Compare backends…",
        window.windows.compare_backends,
        "Run",
        icon="chart",
        help="Train the same steps on each installed backend, and compare the losses",
        group=2,
    )


def _view(window: MainWindow) -> Iterator[Command]:
    canvas, windows = window.page.canvas, window.windows
    yield Command(
        "view.palette", "Search everything…", windows.search, "View", ("Ctrl+K",), "search"
    )
    for command_id, title, run, keys, icon in (
        ("view.fit", "Fit the network", canvas.fit, (), "fit"),
        ("view.reset_zoom", f"Zoom to {percent(1, 0)}", canvas.reset_zoom, ("Ctrl+0",), ""),
        ("view.zoom_in", "Zoom in", canvas.zoom_in, ("Ctrl++", "Ctrl+="), "zoom-in"),
        ("view.zoom_out", "Zoom out", canvas.zoom_out, ("Ctrl+-",), "zoom-out"),
    ):
        yield Command(command_id, title, run, "View", keys, icon, group=1)
    for number, (key, title) in enumerate(window.page.tabs().items(), 1):
        yield Command(
            f"view.tab.{key}",
            f"Show {title}",
            lambda k=key: window.show_tab(k),
            "View/Panels",
            (f"Alt+{number}",) if number < 10 else (),
        )
    for choice, title in (("system", "As the system"), ("dark", "Dark"), ("light", "Light")):
        yield Command(
            f"view.theme.{choice}",
            f"Theme: {title.lower()}",
            lambda c=choice: windows.choose_theme(c),
            "View/Theme",
            icon="sun",
        )


def _help(window: MainWindow) -> Iterator[Command]:
    windows = window.windows
    yield Command("help.welcome", "Welcome page", window.show_welcome, "Help", icon="window")
    yield Command("help.log", "Open the log file", windows.open_log, "Help", icon="log")
    yield Command("help.about", "About Neural Workbench", windows.about, "Help", icon="info")


def example_title(name: str) -> str:
    """Return an example's name in words: "digits-cnn" becomes "Digits CNN"."""
    words = name.replace("_", "-").split("-")
    return " ".join(w.upper() if w in ("cnn", "mlp", "mnist") else w.capitalize() for w in words)
