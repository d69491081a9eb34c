from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QListWidget,
    QMessageBox,
    QPushButton,
    QToolButton,
)

from widgets.command_palette import CommandPalette
from workbench.document.edits import disconnect, remove_nodes, set_training
from workbench.document.files import load
from workbench.runs.events import Paused, Preparing, Started, Steps
from workbench.session.message import Message


def click(qtbot, window, name, kind=QToolButton):
    button = window.findChild(kind, name)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    return button


def text_of(window, name):
    return window.findChild(QLabel, name).text()


def answer(monkeypatch, button):
    asked = []

    def exec_(box):
        asked.append(box.text())
        return button

    monkeypatch.setattr(QMessageBox, "exec", exec_)
    return asked


def test_everything_has_a_place_in_the_smallest_window(window, qtbot):
    window.resize(1100, 700)
    window.page.divide_anew()
    qtbot.wait(20)
    bar = window.top_bar
    for child in (*bar.findChildren(QToolButton), bar.search):
        if child.isVisible():
            assert bar.rect().contains(child.geometry()) or child.parent() is not bar
    assert window.page.left.width() >= 190
    assert window.page.right.width() >= 256
    assert window.page.canvas.width() >= 500
    assert window.page.bottom.height() >= 150


def test_an_edit_shows_in_the_bar_and_can_be_undone_and_redone(window, qtbot):
    document = window.session.document
    mark = window.findChild(QLabel, "editedMark")
    assert not mark.isVisible()
    document.edit(lambda e: set_training(e, epochs=7), "Change epochs")
    assert mark.isVisible()
    click(qtbot, window, "undoButton")
    assert document.experiment.training.epochs != 7
    assert not mark.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert document.experiment.training.epochs == 7


def test_the_name_is_edited_in_the_bar(window, qtbot):
    field = window.findChild(QLineEdit, "experimentName")
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "My digits")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.session.document.experiment.name == "My digits"
    assert window.windowTitle().startswith("My digits")


def test_f5_trains_what_is_on_the_canvas(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_F5)
    assert window.session.run.started == [window.session.document.experiment]
    assert window.page.bottom.current_key == "monitor"


def test_training_with_an_error_shows_the_problems_instead(window, qtbot):
    window.session.document.edit(lambda e: disconnect(e, "conv2", 0), "Cut")
    click(qtbot, window, "trainButton")
    assert window.session.run.started == []
    assert window.page.bottom.current_key == "problems"
    assert "Training cannot start" in text_of(window, "messageText")


def test_the_buttons_follow_the_run(window, run_folder):
    run = window.session.run
    run.open(run_folder)
    buttons = {n: window.findChild(QToolButton, n) for n in ("trainButton", "pauseButton")}
    buttons |= {n: window.findChild(QToolButton, n) for n in ("resumeButton", "stopButton")}

    def shown():
        run.updated.emit()
        return {name for name, button in buttons.items() if button.isVisible()}

    assert shown() == {"trainButton"}
    run.state.status, run.state.checkpoints = "stopped", {"last": "step-000001"}
    assert shown() == {"trainButton", "resumeButton"}
    run.is_active, run.state.status = True, "training"
    assert shown() == {"pauseButton", "stopButton"}
    run.state.apply(Paused(time=1.0, step=5))
    assert shown() == {"resumeButton", "stopButton"}
    run.state.status = "stopping"
    assert shown() == {"stopButton"}
    assert buttons["stopButton"].text() == "Stop now"


def test_progress_is_told_in_words(window, run_folder):
    run = window.session.run
    run.open(run_folder)
    run.is_active = True
    run.state.apply(Preparing(time=0.0, message="Importing PyTorch"))
    run.updated.emit()
    assert text_of(window, "progressText") == "Importing PyTorch"
    started = Started(
        time=1.0,
        step=0,
        epoch=6,
        epochs=20,
        steps_per_epoch=10,
        samples_per_epoch=320,
        backend="torch",
        device="cpu",
        pid=1,
    )
    run.state.apply(started)
    run.state.epoch_seconds = 0.0
    run.state.apply(Steps(time=2.0, first=61, columns={"loss": [1.0]}, samples_per_second=1284.0))
    run.updated.emit()
    said = text_of(window, "progressText")
    assert said.startswith("Epoch 7 / 20 · 1\N{NARROW NO-BREAK SPACE}284 img/s · ")
    assert said.endswith("s left")


def test_pause_and_stop_reach_the_run(window, qtbot, run_folder):
    run = window.session.run
    run.open(run_folder)
    run.is_active, run.state.status = True, "training"
    run.updated.emit()
    click(qtbot, window, "pauseButton")
    click(qtbot, window, "stopButton")
    assert run.calls == [("pause",), ("stop",)]


def test_errors_stay_infos_go_and_an_info_does_not_hide_an_error(window, qtbot):
    bar = window.message_bar
    window.session.messaged.emit(Message("info", "A checkpoint is being saved."))
    assert bar.isVisible()
    assert bar._timer.isActive()
    window.session.messaged.emit(Message("error", "The disk is full.", "Free some space."))
    assert not bar._timer.isActive()
    window.session.messaged.emit(Message("info", "Never mind."))
    assert text_of(window, "messageText") == "The disk is full."
    assert text_of(window, "messageHint") == "Free some space."
    assert bar.height() < 90
    click(qtbot, window, "closeMessage")
    assert not bar.isVisible()


def test_a_message_is_as_high_as_its_lines_whatever_was_there_before(window, qtbot):
    bar, say = window.message_bar, window.session.messaged.emit
    hint = window.findChild(QLabel, "messageHint")
    short = Message("info", "The network is being imported.", "You can go on meanwhile.")
    long = Message("info", "The network is on the canvas.", "Its head starts anew. " * 30)
    heights = []
    for message in (short, long, short):
        say(message)
        qtbot.waitUntil(lambda: hint.height() == hint.heightForWidth(hint.width()), timeout=2000)
        assert bar.height() == bar.heightForWidth(bar.width())
        heights.append(bar.height())
    assert heights[1] > heights[0] + 2 * hint.fontMetrics().height()
    assert heights[2] == heights[0]


def test_why_training_could_not_start_goes_away_when_it_has_started(window, run_folder):
    window.session.messaged.emit(Message("error", "Training cannot start: no data."))
    assert window.message_bar.isVisible()
    window.session.run.open(run_folder)
    assert not window.message_bar.isVisible()


def test_the_title_marks_unsaved_changes(window):
    document = window.session.document
    assert not window.isWindowModified()
    document.edit(lambda e: remove_nodes(e, ("drop1",)), "Remove")
    assert window.isWindowModified()
    assert window.windowTitle().endswith("[*] – Neural Workbench")
    document.undo()
    assert not window.isWindowModified()


def test_escape_leaves_the_welcome_page_for_the_canvas(window, qtbot):
    window.show_welcome()
    page = window.body.currentWidget()
    assert page is not window.page
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert window.body.currentWidget() is window.page


def test_a_long_result_loses_its_middle_before_it_is_cut(window):
    block = window.top_bar.progress
    block._said = "Stopped early · epoch 12 / 30 · validation accuracy 97.2 %"
    block._text.resize(268, 16)
    block._elide()
    assert block._text.text() == "Stopped early · validation accuracy 97.2 %"


def test_the_status_line_is_never_silent(window):
    said = text_of(window, "statusText")
    assert said.startswith("12 layers   ·   56\N{NARROW NO-BREAK SPACE}714 parameters")
    assert "FLOPs" in said
    assert "RAM" in said
    document = window.session.document
    document.edit(lambda e: remove_nodes(e, ("drop1",)), "Remove")
    assert text_of(window, "statusText").startswith("11 layers")
    assert text_of(window, "statusText").endswith("not saved")
    document.tick()
    window.status_line.refresh()
    assert text_of(window, "statusText").endswith("autosaved just now")


def test_delete_works_on_the_canvas_and_not_in_a_field(window, qtbot):
    document = window.session.document
    document.select(("drop1",))
    field = window.page.right.findChild(QLineEdit, "field_rate")
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    assert "drop1" in document.experiment.graph
    window.page.canvas.setFocus()
    qtbot.keyClick(window.page.canvas, Qt.Key.Key_Delete)
    assert "drop1" not in document.experiment.graph


def test_the_problem_count_stands_on_the_tab(window):
    tabs = window.page.bottom
    assert "Problems  0" in [tabs.tabText(i) for i in range(tabs.count())]
    window.session.document.edit(lambda e: disconnect(e, "conv2", 0), "Cut")
    assert "Problems  2" in [tabs.tabText(i) for i in range(tabs.count())]


def test_every_command_has_a_name_of_its_own_and_no_two_share_a_key(window):
    seen: dict[str, str] = {}
    for command in window.actions_table:
        for keys in window.actions_table[command.id].shortcuts():
            text = keys.toString()
            assert seen.setdefault(text, command.id) == command.id, text
    assert {"F5", "Ctrl+K", "Ctrl+S", "Ctrl+,", "Shift+A", "Del"} <= set(seen)


def test_keys_of_the_preferences_replace_the_defaults(window, qtbot):
    window.actions_table.set_keys({"run.train": "Ctrl+R"})
    qtbot.keyClick(window, Qt.Key.Key_F5)
    assert window.session.run.started == []
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert len(window.session.run.started) == 1


def open_palette(window, qtbot) -> CommandPalette:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(CommandPalette)
    assert palette is not None
    assert palette.isVisible()
    return palette


def run_entry(qtbot, palette, text):
    field = palette.findChild(QLineEdit, "paletteField")
    qtbot.keyClicks(field, text)
    with qtbot.waitSignal(palette.destroyed):
        qtbot.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.parametrize("text", ["go to conv2", "conv2"])
def test_the_palette_finds_layers(window, qtbot, text):
    run_entry(qtbot, open_palette(window, qtbot), text)
    assert window.session.document.selection == ("conv2",)


def test_the_palette_finds_commands_and_settings(window, qtbot):
    run_entry(qtbot, open_palette(window, qtbot), "analysis")
    assert window.page.right.current_key == "analysis"
    run_entry(qtbot, open_palette(window, qtbot), "batch size")
    assert window.page.right.current_key == "training"
    assert window.focusWidget().objectName() == "field_batch_size"


def test_the_palette_says_when_nothing_matches(window, qtbot):
    palette = open_palette(window, qtbot)
    qtbot.keyClicks(palette.findChild(QLineEdit, "paletteField"), "qqqq")
    listed = palette.findChild(QListWidget, "paletteList")
    assert listed.item(0).text() == "Nothing is called “qqqq”."
    palette.close()


def test_save_asks_for_a_name_once(window, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "mine.workbench.json"
    monkeypatch.setattr(
        "widgets.file_commands.QFileDialog.getSaveFileName", lambda *_: (str(target), "")
    )
    window.session.document.edit(lambda e: set_training(e, epochs=3), "Change epochs")
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert load(target).training.epochs == 3
    assert window.session.document.is_saved
    assert window.session.preferences.recent == [str(target)]


def test_closing_unsaved_work_asks_and_cancel_stays(window, monkeypatch):
    window.session.document.edit(lambda e: set_training(e, epochs=3), "Change epochs")
    asked = answer(monkeypatch, QMessageBox.StandardButton.Cancel)
    window.close()
    assert window.isVisible()
    assert asked == ["Save the changes to “Digits CNN”?"]
    answer(monkeypatch, QMessageBox.StandardButton.Discard)
    window.close()
    assert not window.isVisible()


def test_closing_while_training_says_that_it_goes_on(window, monkeypatch, run_folder):
    window.session.run.open(run_folder)
    window.session.run.is_active = True
    asked = answer(monkeypatch, 0)
    monkeypatch.setattr(QMessageBox, "clickedButton", lambda box: box.defaultButton())
    window.close()
    assert asked == ["Training goes on while the window is closed."]
    assert window.session.run.calls == []
    assert not window.isVisible()


def test_splitters_are_where_they_were(window, qtbot, catalog_with_views, theme, runs_folder):
    from tests.widgets.window_at_rest import quiet_session
    from widgets.main_window import MainWindow
    from widgets.window_state import state_of

    window.page.setSizes([500, 300])
    session = quiet_session(catalog_with_views, runs_folder)
    session.preferences.window = state_of(window)
    again = MainWindow(session, theme)
    qtbot.addWidget(again)
    again.show()
    assert again.page.sizes()[1] == pytest.approx(window.page.sizes()[1], abs=2)
    again.close_at_once()


def test_a_view_that_fails_does_not_take_the_window_with_it(window, caplog):
    def broken():
        raise RuntimeError("no such colour")

    window.page.bottom.add_lazy("odd", "Odd", broken)
    widget = window.page.show_tab("odd")
    assert widget.text() == "Odd could not be opened: no such colour."
    assert "could not be made" in caplog.text


def test_the_welcome_page_opens_and_trains_an_example(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    welcome = window.body.currentWidget()
    assert welcome.objectName() == "welcome"
    button = welcome.findChild(QPushButton, "train_mnist-mlp")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert window.body.currentWidget() is window.page
    assert window.session.document.experiment.name == "MNIST MLP"
    assert window.session.document.path is None
    assert [e.name for e in window.session.run.started] == ["MNIST MLP"]


def test_own_pictures_become_the_source(window, qtbot, tmp_path, monkeypatch):
    window.show_welcome()
    monkeypatch.setattr(
        "widgets.dialogs.welcome.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path)
    )
    click(qtbot, window, "ownPictures", QPushButton)
    source = window.session.document.experiment.data.source
    assert (source.type, source.params) == ("image_folder", {"folder": str(tmp_path)})


def test_an_ended_run_does_not_stay_beside_another_experiment(window, run_folder):
    run = window.session.run
    run.open(run_folder)
    assert window.files.open_example("mnist-mlp")
    assert run.folder is None


def test_an_own_table_is_forecast(window, qtbot, tmp_path, monkeypatch):
    window.show_welcome()
    file = tmp_path / "sales.csv"
    monkeypatch.setattr(
        "widgets.dialogs.welcome.QFileDialog.getOpenFileName", lambda *_: (str(file), "")
    )
    click(qtbot, window, "ownTable", QPushButton)
    experiment = window.session.document.experiment
    assert experiment.name == "sales"
    assert experiment.task.type == "forecasting"
    assert experiment.data.source.params == {"file": str(file)}


def test_own_texts_are_classified(window, qtbot, tmp_path, monkeypatch):
    window.show_welcome()
    file = tmp_path / "reviews.csv"
    monkeypatch.setattr(
        "widgets.dialogs.welcome.QFileDialog.getOpenFileName", lambda *_: (str(file), "")
    )
    click(qtbot, window, "ownTexts", QPushButton)
    data = window.session.document.experiment.data
    assert (data.source.type, data.source.params) == ("text_table", {"file": str(file)})
    assert data.preprocessing.type == "text"


def test_retraining_begins_beside_the_networks(window, qtbot):
    window.show_welcome()
    click(qtbot, window, "retrain", QPushButton)
    assert window.body.currentWidget() is window.page
    assert len(window.session.document.experiment.graph) == 0
    assert window.findChild(QLineEdit, "filterModels").isVisible()


@pytest.mark.parametrize(
    ("width", "text"), [(330, "settings    Ctrl+K"), (150, "Search    Ctrl+K"), (100, "Search")]
)
def test_the_search_field_says_what_there_is_room_for(window, width, text):
    search = window.top_bar.search
    search.resize(width, 28)
    assert search.text().endswith(text)


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_text_stands_out_from_its_ground(window, kind):
    """WCAG 2.1, 1.4.3: a contrast of 4.5 to 1."""
    window.theme.apply(kind)
    colors = window.theme.colors
    texts = ("text", "text_soft", "text_faint", "accent", "error", "warning", "success")
    for ground in (colors.window, colors.panel, colors.field, colors.node):
        for name in texts:
            assert contrast(getattr(colors, name), ground) >= 4.5, (name, ground)
    for tint in colors.series:
        assert contrast(tint, colors.panel) >= 4.5


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(tint: str) -> float:
    color = QColor(tint)
    parts = (color.redF(), color.greenF(), color.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
