import msgspec
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QMenu, QMessageBox, QWidget

from tests.widgets.runs_on_disk import write_run
from widgets.panels import runs_model as table
from widgets.panels.run_differences import setting_title, value_title
from widgets.panels.runs import RunsPanel
from workbench.runs import store


@pytest.fixture
def folders(runs_folder):
    return [
        write_run(runs_folder, "2026-11-20_101500_first", rate=0.05),
        write_run(runs_folder, "2026-11-19_090000_second", rate=0.01, offset=0.4),
        write_run(runs_folder, "2026-11-18_090000_third", epochs=3, finished=False),
    ]


@pytest.fixture
def panel(qtbot, at_rest, theme, folders):
    widget = RunsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(1300, 260)
    widget.show()
    return widget


def row_of(panel, folder):
    rows = range(panel.view.model().rowCount())
    return next(row for row in rows if panel.run_at(row).folder == folder)


def cell(panel, folder, column):
    return panel.view.model().index(row_of(panel, folder), column)


def click(panel, index, double=False):
    place = panel.view.visualRect(index).center()
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    if double:
        QTest.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def check(panel, folder):
    """Click the box at the left end of the first column."""
    rect = panel.view.visualRect(cell(panel, folder, table.COMPARE))
    place = rect.center()
    place.setX(rect.left() + 12)
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def answer(text):
    """Press a button of the message box that is about to open."""

    def press():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        button = next(b for b in box.buttons() if b.text().replace("&", "") == text)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(50, press)


def test_a_row_tells_a_run(panel, folders):
    texts = [cell(panel, folders[0], column).data() for column in range(10)]
    assert texts[table.NAME] == "Digits CNN"
    assert texts[table.STATUS] == "Completed"
    assert texts[table.EPOCHS] == "8 / 8"
    assert texts[table.TEST] == "91.0\N{NARROW NO-BREAK SPACE}%"
    assert cell(panel, folders[2], table.STATUS).data() == "Interrupted"


def test_no_runs_say_how_to_begin(qtbot, at_rest, theme):
    widget = RunsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.show()
    assert widget.findChild(QWidget, "empty").isVisible()


def test_a_double_click_shows_the_run(panel, at_rest, folders, qtbot):
    with qtbot.waitSignal(panel.run_opened):
        click(panel, cell(panel, folders[1], table.STATUS), double=True)
    assert at_rest.run.folder == folders[1]


def test_return_shows_the_selected_run(panel, at_rest, folders):
    panel.view.setCurrentIndex(cell(panel, folders[0], table.STATUS))
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Return)
    assert at_rest.run.folder == folders[0]


def test_checking_compares_and_shows_what_differs(qtbot, panel, at_rest, folders):
    at_rest.run.open(folders[0])
    check(panel, folders[1])
    assert set(at_rest.comparison.runs) == {folders[1].name}
    differences = panel.findChild(QWidget, "differences").table
    assert differences.isVisible()
    heads = [differences.horizontalHeaderItem(column).text() for column in range(3)]
    assert heads == ["Setting", "Digits CNN 10:15:00", "Digits CNN 09:00:00"]
    store.annotate(folders[1], store.Notes(title="A smaller rate"))
    at_rest.run.refresh()
    qtbot.waitUntil(
        lambda: at_rest.tick() or differences.horizontalHeaderItem(2).text() == "A smaller rate",
        timeout=2000,
    )
    rows = [
        [differences.item(row, column).text() for column in range(3)]
        for row in range(differences.rowCount())
    ]
    assert rows == [["training · learning rate", "0.05", "0.01"]]
    check(panel, folders[1])
    assert not at_rest.comparison.runs
    assert not differences.isVisible()


def test_runs_on_screen_have_the_colours_of_their_curves(panel, at_rest, theme, folders):
    at_rest.run.open(folders[0])
    check(panel, folders[1])
    for folder, color in zip(folders, theme.colors.series, strict=False):
        dot = cell(panel, folder, table.COMPARE).data(Qt.ItemDataRole.DecorationRole)
        middle = dot.toImage().pixelColor(12, 12)
        if folder == folders[2]:
            assert middle.alpha() == 0
        else:
            assert middle.name() == color


def test_sorting_is_by_value(panel, folders):
    panel.view.sortByColumn(table.EPOCHS, Qt.SortOrder.AscendingOrder)
    assert panel.run_at(0).folder == folders[2]
    panel.view.sortByColumn(table.TEST, Qt.SortOrder.DescendingOrder)
    assert panel.run_at(0).folder == folders[0]


def test_filter_by_words(panel, folders):
    field = panel.findChild(QLineEdit, "filter")
    field.setFocus()
    QTest.keyClicks(field, "interrupted digits")
    assert [panel.run_at(row).folder for row in range(panel.view.model().rowCount())] == [
        folders[2]
    ]


def test_a_click_on_the_star(panel, at_rest, folders):
    click(panel, cell(panel, folders[1], table.STAR))
    assert at_rest.run.calls == [("annotate", folders[1], "", "", True)]


def test_notes_are_written_inline(panel, at_rest, folders, qtbot):
    index = cell(panel, folders[0], table.NOTES)
    panel.view.setCurrentIndex(index)
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_F2)
    editor = panel.view.viewport().findChild(QLineEdit)
    QTest.keyClicks(editor, "best so far")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    expected = [("annotate", folders[0], "", "best so far")]
    qtbot.waitUntil(lambda: at_rest.run.calls == expected, timeout=2000)


@pytest.mark.parametrize(("button", "left"), [("Cancel", 3), ("Delete", 2)])
def test_delete_asks_first(panel, folders, button, left):
    panel.view.setCurrentIndex(cell(panel, folders[1], table.NAME))
    panel.view.setFocus()
    answer(button)
    QTest.keyClick(panel.view, Qt.Key.Key_Delete)
    assert panel.view.model().rowCount() == left
    assert folders[1].path.exists() == (left == 3)


def entries(panel, folder):
    menu = panel.menu_for(panel.run_at(row_of(panel, folder)))
    return {action.text(): action for action in menu.actions() if action.text()}


def test_menu_offers_what_is_possible(panel, folders):
    done, interrupted = entries(panel, folders[0]), entries(panel, folders[2])
    assert not done["Resume"].isEnabled()
    assert interrupted["Resume"].isEnabled()
    assert done["Continue for more epochs…"].isEnabled()
    assert done["Continue in"].isEnabled()
    begun = msgspec.structs.replace(panel.run_at(row_of(panel, folders[2])), epochs=0)
    menu = panel.menu_for(begun)
    assert not menu.findChild(QMenu, "continueIn").menuAction().isEnabled()


def test_resume_from_the_menu(panel, at_rest, folders):
    entries(panel, folders[2])["Resume"].trigger()
    assert at_rest.run.folder == folders[2]
    assert at_rest.run.calls == [("resume",)]


def test_continue_asks_for_epochs(panel, at_rest, folders):
    def accept():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QInputDialog)
        dialog.setIntValue(7)
        dialog.accept()

    QTimer.singleShot(50, accept)
    entries(panel, folders[0])["Continue for more epochs…"].trigger()
    assert at_rest.run.calls == [("continue_for", 7)]


def test_continue_elsewhere_offers_the_other_backends_and_asks_for_epochs(panel, at_rest, folders):
    def accept():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QInputDialog)
        assert dialog.windowTitle() == "Continue in Keras · JAX"
        dialog.setIntValue(4)
        dialog.accept()

    menu = panel.menu_for(panel.run_at(row_of(panel, folders[0])))
    offered = {action.text(): action for action in menu.findChild(QMenu, "continueIn").actions()}
    assert list(offered) == ["Keras · TensorFlow", "Keras · JAX", "Keras · PyTorch"]
    QTimer.singleShot(50, accept)
    offered["Keras · JAX"].trigger()
    (call,) = at_rest.run.calls
    assert call[:4] == ("continue_elsewhere", folders[0], "keras-jax", 4)


def test_its_experiment_goes_into_the_editor(panel, at_rest, folders):
    entries(panel, folders[1])["Load its experiment into the editor"].trigger()
    assert at_rest.document.experiment.training.optimizer.learning_rate == 0.01


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("graph.conv1.filters", "conv1 · filters"),
        ("training.optimizer.learning_rate", "training · learning rate"),
        ("seed", "seed"),
    ],
)
def test_settings_have_names_for_people(path, title):
    assert setting_title(path) == title


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (True, "yes"), (1e-3, "0.001"), ([3, 3], "3 × 3"), ("a", "a")]
)
def test_values_for_people(value, text):
    assert value_title(value) == text
