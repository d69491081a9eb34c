"""The layer palette, used with keys and mouse."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QTreeWidget

from tests.widgets.session_at_rest import SessionAtRest
from widgets.canvas.gestures.drop import LAYER_MIME
from widgets.panels.palette import LayerPalette
from workbench.catalog import Broken
from workbench.plugin_api.layer import CATEGORIES


@pytest.fixture
def session(catalog, tmp_path):
    own = dataclasses.replace(catalog, broken=[])
    made = SessionAtRest(own, tmp_path)
    yield made
    made.close()


@pytest.fixture
def palette(qtbot, session, theme):
    made = LayerPalette(session, theme)
    qtbot.addWidget(made)
    made.resize(240, 700)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def shown(palette):
    tree = palette.findChild(QTreeWidget, "palette_tree")
    groups = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return {
        group.text(0): [
            group.child(row).text(0)
            for row in range(group.childCount())
            if not group.child(row).isHidden()
        ]
        for group in groups
        if not group.isHidden()
    }


def item(palette, title):
    tree = palette.findChild(QTreeWidget, "palette_tree")
    found = tree.findItems(title, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    return next(one for one in found if one.parent())


def test_categories_come_in_their_order_with_every_layer(palette, session):
    groups = shown(palette)
    assert list(groups) == [name for name in CATEGORIES if name in groups]
    assert sum(map(len, groups.values())) == sum(
        not kind.is_imported for kind in session.catalog.layers
    )
    assert groups["Input and output"] == ["Input", "Output"]


def test_filtering_keeps_what_matches(palette, qtbot):
    field = palette.findChild(QLineEdit, "palette_filter")
    QTest.keyClicks(field, "conv 2")
    assert "Conv 2D" in shown(palette)["Convolution"]
    assert "Dense" not in shown(palette)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert "Dense" in shown(palette)


def test_an_empty_result_says_so(palette):
    field = palette.findChild(QLineEdit, "palette_filter")
    QTest.keyClicks(field, "blockchain")
    nothing = palette.findChild(QLabel, "palette_nothing")
    assert nothing.isVisible()
    assert nothing.text() == "No layer is called “blockchain”."


def test_enter_in_the_field_takes_the_best_match(palette, qtbot):
    field = palette.findChild(QLineEdit, "palette_filter")
    with qtbot.waitSignal(palette.layer_chosen) as caught:
        QTest.keyClicks(field, "dense")
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert caught.args == ["Dense"]


def test_down_goes_to_the_list_and_enter_adds(palette, qtbot):
    field = palette.findChild(QLineEdit, "palette_filter")
    tree = palette.findChild(QTreeWidget, "palette_tree")
    QTest.keyClicks(field, "relu")
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert tree.currentItem().text(0) == "ReLU"
    with qtbot.waitSignal(palette.layer_chosen) as caught:
        QTest.keyClick(tree, Qt.Key.Key_Return)
    assert caught.args == ["ReLU"]


def test_double_click_adds_once(palette, qtbot):
    tree = palette.findChild(QTreeWidget, "palette_tree")
    heard = []
    palette.layer_chosen.connect(heard.append)
    chosen = item(palette, "Conv 2D")
    tree.scrollToItem(chosen)
    at = tree.visualItemRect(chosen).center()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert heard == ["Conv2D"]


def test_enter_folds_a_category(palette):
    tree = palette.findChild(QTreeWidget, "palette_tree")
    group = tree.topLevelItem(0)
    tree.setCurrentItem(group)
    QTest.keyClick(tree, Qt.Key.Key_Return)
    assert not group.isExpanded()
    QTest.keyClick(tree, Qt.Key.Key_Return)
    assert group.isExpanded()


def test_dragging_carries_the_layers_id(palette):
    tree = palette.findChild(QTreeWidget, "palette_tree")
    data = tree.mimeData([item(palette, "Flatten")])
    assert bytes(data.data(LAYER_MIME).data()) == b"Flatten"
    assert not tree.mimeData([tree.topLevelItem(0)]).hasFormat(LAYER_MIME)
    assert not tree._likeness(item(palette, "Flatten")).isNull()


def test_layers_explain_themselves(palette):
    assert "<b>Dense</b>" in item(palette, "Dense").toolTip(0)


def test_broken_plug_ins_are_noted(qtbot, session, theme):
    session.catalog.broken.append(Broken("acme_layers", "ImportError: no module named acme"))
    made = LayerPalette(session, theme)
    qtbot.addWidget(made)
    made.show()
    note = made.findChild(QLabel, "palette_broken")
    assert note.isVisible()
    assert "acme_layers" in note.text()
    assert "no module named acme" in note.toolTip()
