"""Opens what stands beside the main window: dialogs and the command palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from workbench import preferences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from widgets.command_palette import Entry
    from widgets.main_window import MainWindow


class Windows:
    """Dialogs of the window; each is imported when it is first asked for."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def search(self) -> None:
        """Open the command palette."""
        from widgets.command_palette import CommandPalette

        window = self._window
        window.actions_table.refresh()
        CommandPalette(list(self._entries()), window.theme, window).open_above(window)

    def open_file(self) -> None:
        """Ask for an experiment file and show it."""
        if self._window.files.open_dialog():
            self._window.show_workbench()

    def load_weights(self) -> None:
        """Open the dialog that takes weights of a file into the experiment."""
        from widgets.dialogs.load_weights import LoadWeightsDialog

        window = self._window
        dialog = LoadWeightsDialog(window.session, window.theme, window)
        dialog.accepted.connect(self._show_start)
        dialog.open()

    def import_model(self) -> None:
        """Open the dialog that brings in a network made elsewhere."""
        from widgets.dialogs.import_model import ImportModelDialog

        window = self._window
        dialog = ImportModelDialog(window.session, window.theme, window)
        dialog.accepted.connect(window.show_workbench)
        dialog.accepted.connect(window.page.canvas.fit)
        dialog.open()

    def export(self) -> None:
        """Open the export dialog for the shown run."""
        from widgets.dialogs.export_dialog import ExportDialog

        ExportDialog(self._window.session, self._window.theme, self._window).open()

    def compare_backends(self) -> None:
        """Open the comparison of backends beside the window, whose monitor shows the curves."""
        from widgets.dialogs.compare_backends import CompareBackendsDialog

        window = self._window
        dialog = window.findChild(CompareBackendsDialog)
        if dialog is None:
            dialog = CompareBackendsDialog(window.session, window)
            dialog.begun.connect(lambda: window.show_tab("monitor"))
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def preferences(self) -> None:
        """Open the preferences."""
        from widgets.dialogs.preferences import PreferencesDialog

        window = self._window
        PreferencesDialog(window.session, window.theme, window.actions_table, window).open()

    def about(self) -> None:
        """Say which program this is."""
        from widgets.dialogs.about import AboutDialog

        AboutDialog(self._window.session, self._window).open()

    def choose_theme(self, choice: str) -> None:
        """Switch the theme, and keep it."""
        self._window.theme.apply(choice)
        self._window.session.preferences.theme = choice
        preferences.save(self._window.session.preferences)

    def open_log(self) -> None:
        """Open the program's log file in the system's viewer."""
        from widgets.crash import log_path

        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path())))

    def _entries(self) -> Iterator[Entry]:
        from widgets.command_palette import Entry

        window = self._window
        table = window.actions_table
        order = ("Run", "Network", "Edit", "File", "View", "Help")
        for command in sorted(table, key=lambda c: order.index(c.menu) if c.menu in order else 9):
            if command.id != "view.palette":
                action = table[command.id]
                keys = table.keys_of(command.id)
                yield Entry(
                    command.title,
                    "Command",
                    action.trigger,
                    keys or command.menu.replace("/", " · "),
                    f"{command.menu} {command.help}",
                    action.isEnabled(),
                )
        document = window.session.document
        for node in document.experiment.graph.nodes:
            run = lambda i=node.id: self._show_node(i)  # noqa: E731
            yield Entry(f"Go to {node.id}", "Layer", run, node.type, node.type)
        for kind in window.session.catalog.layers:
            run = lambda i=kind.id: self._add_layer(i)  # noqa: E731
            words = " ".join((kind.id, kind.category, *kind.keywords))
            yield Entry(f"Add {kind.title}", "Layer", run, kind.category, words)
        yield from self._settings()

    def _settings(self) -> Iterator[Entry]:
        from widgets.command_palette import Entry
        from workbench.document.training import Training
        from workbench.plugin_api.parameters import fields_of

        for field in fields_of(Training):
            if not field.hidden:
                run = lambda n=field.name: self._edit_setting(n)  # noqa: E731
                yield Entry(field.title, "Setting", run, "Training", f"{field.help} {field.name}")

    def _show_start(self) -> None:
        """Show what training starts from now: the card of the whole network says it."""
        self._window.session.document.select(())
        self._window.show_tab("layer")

    def _show_node(self, node_id: str) -> None:
        self._window.show_tab("layer")
        self._window.page.canvas.show_node(node_id)

    def _add_layer(self, type_id: str) -> None:
        self._window.show_workbench()
        self._window.page.canvas.adding.add_layer(type_id)

    def _edit_setting(self, name: str) -> None:
        panel = self._window.show_tab("training")
        panel.focus_field(name)
