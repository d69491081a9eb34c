import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QToolTip, QWidget

from tests.widgets.runs_on_disk import predictions
from widgets.monitor.answers import Answers, chosen
from widgets.monitor.confusion import ConfusionView
from widgets.monitor.gallery import PAGE, TEXT_ROLE
from widgets.monitor.results import PredictionsPanel, saved_classes
from widgets.texts import percent
from workbench.plugin_api.class_results import summarise
from workbench.session.data import Thumbnail


@pytest.fixture
def panel(qtbot, at_rest, theme, run_folder):
    widget = PredictionsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(1400, 300)
    widget.show()
    at_rest.run.open(run_folder)
    return widget


def shown(panel):
    model = panel.gallery.answers
    return [model.index(row).data(Qt.ItemDataRole.UserRole) for row in range(model.rowCount())]


def choose(widget, text):
    """Pick an entry of a combo box by keyboard."""
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_Home)
    for _ in range(widget.findText(text)):
        QTest.keyClick(widget, Qt.Key.Key_Down)
    assert widget.currentText() == text


def test_scores_of_the_test_split_come_first(panel, at_rest):
    evaluation = at_rest.run.state.evaluations["test"]
    label = panel.findChild(QLabel, "score_accuracy")
    assert label.text() == percent(evaluation.metrics["accuracy"])
    table = panel.scores.table
    assert table.rowCount() == 10
    assert table.item(0, 0).text() == "digit 0"
    assert table.item(3, 2).text() == f"{evaluation.per_class['recall'][3]:.3f}"


def test_another_split(panel, at_rest):
    split = panel.findChild(QComboBox, "split")
    choose(split, "Validation")
    accuracy = at_rest.run.state.evaluations["validation"].metrics["accuracy"]
    assert panel.findChild(QLabel, "score_accuracy").text() == percent(accuracy)
    assert at_rest.data.asked[-1][0] == "validation"


def test_the_most_wrong_come_first(panel, at_rest):
    results = at_rest.run.results("test")
    answers = shown(panel)
    worst = int(np.argmin(results.arrays["target_probability"]))
    assert answers[0].index == worst
    assert not answers[0].is_right
    probabilities = [answer.true_probability for answer in answers]
    assert probabilities == sorted(probabilities)


def test_texts_are_shown_as_texts(panel, at_rest, qtbot):
    gallery = panel.gallery
    pictures = gallery.sizeHintForIndex(gallery.model().index(0, 0)).width()
    answers, asked = gallery.answers, []
    kept = [answers.index(row).data(Qt.ItemDataRole.UserRole) for row in range(3)]
    answers.show_answers(kept, lambda indices, done: asked.append((indices, done)))
    ((indices, done),) = asked
    pixels = np.zeros((8, 8, 3), np.uint8)
    texts = [f"A film that never ends {index}" for index in indices]
    done([Thumbnail(i, "", 0, pixels, text) for i, text in zip(indices, texts, strict=True)])
    first = answers.index(0)
    assert first.data(TEXT_ROLE) == texts[0]
    assert texts[0] in first.data(Qt.ItemDataRole.ToolTipRole)
    assert gallery.sizeHintForIndex(first).width() > pictures
    gallery.grab()


def test_pictures_are_paged(panel, at_rest):
    model = panel.gallery.answers
    before = model.rowCount()
    assert PAGE <= before < 300
    panel.gallery.scrollToBottom()
    bar = panel.gallery.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert model.rowCount() > before
    data = at_rest.run.experiment.data
    assert all(asked[2] == data for asked in at_rest.data.asked)
    assert len({index for asked in at_rest.data.asked for index in asked[1]}) == model.rowCount()


def test_clicking_a_cell_opens_the_pictures_behind_it(panel, at_rest, qtbot):
    counts = np.array(at_rest.run.state.evaluations["test"].confusion)
    np.fill_diagonal(counts, 0)
    true, answer = map(int, np.unravel_index(counts.argmax(), counts.shape))
    place = panel.confusion.cell_rect(true, answer).center().toPoint()
    QTest.mouseClick(panel.confusion, Qt.MouseButton.LeftButton, pos=place)
    answers = shown(panel)
    assert len(answers) == counts[true, answer]
    assert {(a.true, a.answer) for a in answers} == {(f"digit {true}", f"digit {answer}")}
    assert f"digit {true} → digit {answer}" in panel.findChild(QLabel, "count").text()
    QTest.mouseClick(panel.confusion, Qt.MouseButton.LeftButton, pos=place)
    assert panel.confusion.chosen is None
    assert len(shown(panel)) >= PAGE


def test_the_matrix_goes_by_keyboard(panel):
    panel.confusion.setFocus()
    QTest.keyClick(panel.confusion, Qt.Key.Key_Right)
    QTest.keyClick(panel.confusion, Qt.Key.Key_Right)
    QTest.keyClick(panel.confusion, Qt.Key.Key_Down)
    assert panel.confusion.chosen == (1, 1)
    QTest.keyClick(panel.confusion, Qt.Key.Key_Escape)
    assert panel.confusion.chosen is None


def test_hovering_a_cell_says_what_it_means(panel):
    place = panel.confusion.cell_rect(2, 2).center().toPoint()
    QTest.mouseMove(panel.confusion, place / 2)
    QTest.mouseMove(panel.confusion, place)
    assert QToolTip.text().startswith("digit 2 recognised: ")


def test_filter_by_class(panel):
    choose(panel.findChild(QComboBox, "class_filter"), "digit 4")
    assert {answer.true for answer in shown(panel)} == {"digit 4"}


def test_clicking_a_class_filters_its_pictures(panel):
    table = panel.scores.table
    place = table.visualItemRect(table.item(2, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert {answer.true for answer in shown(panel)} == {"digit 2"}


def test_sorting_classes_by_recall(panel):
    panel.scores.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    texts = [panel.scores.table.item(row, 2).text() for row in range(10)]
    assert texts == sorted(texts, key=float)


def test_before_the_first_evaluation_it_says_what_to_wait_for(qtbot, at_rest, theme):
    widget = PredictionsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.show()
    empty = widget.findChild(QWidget, "empty")
    assert empty.isVisible()
    assert "Train" in empty.accessibleName()


def test_class_names_are_those_the_run_was_trained_with(run_folder):
    assert saved_classes(run_folder) == ()
    run_folder.info.write_text('{"info": {"classes": ["cat", "dog"], "counts": {}}, "fitted": {}}')
    assert saved_classes(run_folder) == ("cat", "dog")
    run_folder.info.write_text("{")
    assert saved_classes(run_folder) == ()


def test_missing_names_are_numbers(qtbot, at_rest, theme, run_folder):
    at_rest.data.info = None
    widget = PredictionsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.show()
    at_rest.run.open(run_folder)
    assert widget.scores.table.item(7, 0).text() == "7"


@pytest.mark.parametrize("classes", [2, 10, 37, 100])
def test_a_matrix_of_any_size_is_painted(qtbot, theme, classes):
    view = ConfusionView(theme)
    qtbot.addWidget(view)
    view.resize(420, 260)
    view.show()
    counts = np.eye(classes, dtype=np.int64) * 20
    counts[0, 1] = 5
    view.show_matrix(counts, [f"class {number}" for number in range(classes)])
    image = view.grab().toImage()
    right = image.pixelColor(view.cell_rect(classes - 1, classes - 1).topLeft().toPoint() * 1)
    assert right.isValid()
    cell = view.cell_rect(classes - 1, classes - 1)
    assert cell.right() <= 420
    assert cell.bottom() <= 260
    assert view.describe(0, 1) == f"class 0 taken for class 1: 5 of 25 ({percent(0.2)})"


@pytest.mark.parametrize("order", ["wrong", "confident", "unsure", "data"])
def test_orders(order):
    probabilities, targets = predictions(np.random.default_rng(3), 200)
    results = summarise(probabilities, targets)
    numbers = chosen(results, order)
    best = probabilities.max(1)[numbers]
    expected = {
        "wrong": np.argsort(probabilities[np.arange(200), targets], kind="stable"),
        "confident": np.argsort(-probabilities.max(1), kind="stable"),
        "unsure": np.argsort(probabilities.max(1), kind="stable"),
        "data": np.arange(200),
    }
    assert numbers.tolist() == expected[order].tolist()
    assert len(best) == 200


def test_answers_are_made_when_looked_at():
    probabilities, targets = predictions(np.random.default_rng(3), 50)
    results = summarise(probabilities, targets)
    answers = Answers(
        results, np.arange(50), np.array([7, 3]), [str(number) for number in range(10)]
    )
    assert len(answers) == 2
    assert answers[1].index == 3
    assert answers[0].true == str(targets[7])
    assert [answer.index for answer in answers[0:2]] == [7, 3]


def test_answers_name_the_sample_and_not_the_row():
    probabilities, targets = predictions(np.random.default_rng(3), 3)
    results = summarise(probabilities, targets)
    names = [str(number) for number in range(10)]
    answers = Answers(results, np.array([0, 2, 3]), chosen(results, "data"), names)
    assert [answer.index for answer in answers[0:3]] == [0, 2, 3]
    assert [answer.true for answer in answers[0:3]] == [str(target) for target in targets]
