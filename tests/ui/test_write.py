"""A language model writes in the window; tags and classes are shown sample by sample."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from tests.workbench import inspected
from tests.workbench.written import language_model
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.training import Adam, Training


@pytest.fixture(scope="module")
def runs(catalog, tmp_path_factory):
    """Return runs of a language model, of tags and of several classes."""
    home = tmp_path_factory.mktemp("runs")
    data = tmp_path_factory.mktemp("data")
    (data / "tags.conll").write_text("Emma B-PER\nWood I-PER\nsaw O\nBath B-LOC\n\n" * 40)
    (data / "labels.csv").write_text(
        "text,labels\n" + "a goal was scored,sport\nthe vote and the match,sport;politics\n" * 30
    )
    tagger = inspected.chain(
        ("words1", "Embedding", {"features": 8, "vocabulary": 50}),
        ("dense1", "Dense", {"units": 4}),
    )
    labeller = inspected.chain(
        ("words1", "Embedding", {"features": 8, "vocabulary": 50}),
        ("pool1", "GlobalAveragePool", {}),
        ("dense1", "Dense", {"units": 2}),
    )
    experiments = [language_model(data / "text", device="cpu")]
    for graph, source, preparation, task in (
        (
            tagger,
            Component("tagged_text", {"file": str(data / "tags.conll")}),
            "tagged_words",
            "sequence_labelling",
        ),
        (
            labeller,
            Component("multi_label_table", {"file": str(data / "labels.csv")}),
            "text",
            "multi_label",
        ),
    ):
        experiments.append(
            Experiment(
                graph=graph,
                data=Data(
                    source=source,
                    preprocessing=Component(preparation, {"vocabulary_size": 50}),
                    split=Split(validation=0.2, test=0.2),
                ),
                task=Component(task),
                training=Training(
                    epochs=4,
                    batch_size=8,
                    threads=1,
                    device="cpu",
                    optimizer=Adam(learning_rate=0.1),
                ),
            )
        )
    return [inspected.trained(experiment, home, catalog) for experiment in experiments]


def test_a_text_is_continued_stopped_and_looked_into(person, runs):
    person.window.show_workbench()
    person.session.run.open(runs[0])
    writing = person.session.writing
    person.wait(lambda: "language" in person.session.run.experiment.task.type)
    panel = person.window.show_tab("write")
    person.wait(lambda: writing.loaded is not None)
    panel.prompt.setFocus()
    QTest.keyClicks(panel.prompt, "The cat")
    person.write("writing_seed", "7")

    person.click("writing_go")
    person.wait(lambda: len(writing.tokens) == 200 and not writing.doing)
    text = panel.text.toPlainText()
    assert text == "The cat" + "".join(token.text for token in writing.tokens)
    assert "200 tokens" in person.find("writing_about", QLabel).text()

    cursor = panel.text.textCursor()
    cursor.setPosition(12)
    place = panel.text.cursorRect(cursor).center()
    QTest.mouseClick(panel.text.viewport(), Qt.MouseButton.LeftButton, pos=place)
    likeliest = writing.tokens[12 - 7].alternatives[0]
    assert "was drawn" in person.find("writing_why", QLabel).text()
    assert panel.bars.describe(0).endswith("%")
    assert panel.bars.describe(0)[0] == likeliest[0].replace(" ", "␣").replace("\n", "↵")

    person.click("writing_go")
    person.wait(lambda: len(writing.tokens) > 0)
    button = person.find("writing_go", QPushButton)
    while len(writing.tokens) < 200 and button.text() == "Stop":
        person.click("writing_go")
    assert not writing.doing
    assert button.text() == "Generate"
    again = [token.text for token in writing.tokens]
    assert text[7:].startswith("".join(again))


def test_tags_and_classes_are_shown_with_what_is_wrong(person, runs):
    person.window.show_workbench()
    for run, words in ((runs[1], ("Bath", "B-LOC")), (runs[2], ("the vote", "✓ politics"))):
        person.session.run.open(run)
        person.wait(lambda run=run: person.session.run.state.evaluations.get("test") is not None)
        panel = person.window.show_tab("sentences")
        person.wait(
            lambda panel=panel, words=words: all(
                word in panel.list.toPlainText().replace("\xa0", " ") for word in words
            )
        )
        assert panel.scores.table.rowCount() == len(panel._classes)
        assert panel.scores.baselines.text()
        assert panel.confusion.isVisible() == (run is runs[1])
