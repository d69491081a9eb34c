from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QPushButton

from widgets.forms import StructForm
from widgets.number_field import read_number
from workbench.document.training import SGD, Adam, AdamW, Training
from workbench.plugin_api.parameters import Field, Size, fields_of, param


class Early(msgspec.Struct, frozen=True):
    patience: Annotated[int, param("Patience", minimum=1, unit="epochs")] = 10


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    filters: Annotated[int, param("Filters", "How many", minimum=1)] = 32
    rate: Annotated[float, param("Rate", above=0.0, below=1.0)] = 0.001
    kernel: Annotated[tuple[Size, Size], param("Kernel size")] = (3, 3)
    shape: Annotated[tuple[Size, ...] | None, param("Shape")] = None
    padding: Annotated[Literal["same", "he_normal"], param("Padding")] = "same"
    bias: Annotated[bool, param("Use bias")] = True
    early: Annotated[Early | None, param("Early stopping")] = None
    slope: Annotated[float, param("Slope", shown_if=("padding", ("he_normal",)))] = 0.1
    epsilon: Annotated[float, param("Epsilon", above=0.0, advanced=True)] = 1e-8
    folder: Annotated[str, param("Folder", path="folder")] = ""


@pytest.fixture
def form(qtbot):
    made = StructForm(fields_of(Sample))
    qtbot.addWidget(made)
    made.show_struct(Sample())
    made.resize(320, 500)
    made.show()
    qtbot.waitExposed(made)
    made.said = []
    made.changed.connect(lambda name, value: made.said.append((name, value)))
    return made


def line(form, name) -> QLineEdit:
    found = form.findChild(QLineEdit, f"field_{name}")
    assert found is not None, name
    return found


def type_into(qtbot, field, text):
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)


def complaint(form, name):
    return form._rows[name].complaint


def test_typing_a_number_says_so_with_every_key(qtbot, form):
    type_into(qtbot, line(form, "filters"), "64")
    assert form.said == [("filters", 6), ("filters", 64)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("0,25", 0.25), ("0.25", 0.25), ("5E-4", 5e-4), ("-1", None)],
)
def test_numbers_are_read_as_people_write_them(qtbot, form, text, value):
    type_into(qtbot, line(form, "rate"), text)
    assert form.said[-1:] == ([("rate", value)] if value is not None else [])
    assert complaint(form, "rate").isVisible() == (value is None)


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "1.5"), ("int", "x"), ("float", "nan"), ("float", "1e999")]
)
def test_what_is_no_number_is_refused_in_words(kind, text):
    with pytest.raises(ValueError, match="This"):
        read_number(text, Field(name="n", kind=kind, title="N"))


def test_a_printed_minus_is_read():
    assert read_number("\N{MINUS SIGN}1", Field(name="n", kind="int", title="N")) == -1


def test_groups_of_digits_are_read():
    assert read_number("18\N{THIN SPACE}496", Field(name="n", kind="int", title="N")) == 18496


def test_a_value_out_of_bounds_outlines_the_field_and_emits_nothing(qtbot, form):
    type_into(qtbot, line(form, "filters"), "0")
    assert form.said == []
    assert line(form, "filters").property("wrong") is True
    assert complaint(form, "filters").text() == "The least is 1."


def test_leaving_a_wrong_field_brings_the_last_value_back(qtbot, form):
    field = line(form, "filters")
    type_into(qtbot, field, "x")
    line(form, "rate").setFocus()
    assert field.text() == "32"
    assert not complaint(form, "filters").isVisible()


def test_what_is_being_typed_is_not_reformatted(qtbot, form):
    field = line(form, "rate")
    type_into(qtbot, field, "1e-2")
    form.show_struct(Sample(rate=0.01))
    assert field.text() == "1e-2"
    line(form, "filters").setFocus()
    assert field.text() == "0.01"


def test_arrow_keys_step_a_number_within_its_bounds(qtbot, form):
    field = line(form, "filters")
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert form.said == [("filters", 33)]
    type_into(qtbot, field, "1")
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert field.text() == "1"


def test_focus_out_and_enter_seal(qtbot, form):
    with qtbot.waitSignal(form.sealed):
        qtbot.keyClick(line(form, "filters"), Qt.Key.Key_Return)
    line(form, "filters").setFocus()
    with qtbot.waitSignal(form.sealed):
        line(form, "rate").setFocus()


def test_the_wheel_leaves_an_unfocused_choice_alone(qtbot, form):
    box = form.findChild(QComboBox, "field_padding")
    line(form, "filters").setFocus()
    turn(box)
    assert form.said == []
    assert box.currentIndex() == 0


def turn(widget):
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        widget.mapToGlobal(middle),
        QPoint(0, -120),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_sizes_are_tuples(qtbot, form):
    type_into(qtbot, form.findChild(QLineEdit, "field_kernel_1"), "5")
    assert form.said == [("kernel", (3, 5))]


def test_any_number_of_sizes_in_one_line(qtbot, form):
    use = form.findChild(QCheckBox, "use_shape")
    qtbot.mouseClick(use, Qt.MouseButton.LeftButton, pos=QPoint(8, use.height() // 2))
    assert form.said[-1] == ("shape", (1,))
    type_into(qtbot, line(form, "shape"), "28 x 28 x 1")
    assert form.said[-1] == ("shape", (28, 28, 1))


def test_an_optional_struct_opens_below_its_check_box(qtbot, form):
    use = form.findChild(QCheckBox, "use_early")
    qtbot.mouseClick(use, Qt.MouseButton.LeftButton, pos=QPoint(8, use.height() // 2))
    assert form.said == [("early", Early())]
    assert line(form, "patience").isVisible()
    type_into(qtbot, line(form, "patience"), "7")
    assert form.said[-1] == ("early", Early(patience=7))
    qtbot.mouseClick(use, Qt.MouseButton.LeftButton, pos=QPoint(8, use.height() // 2))
    assert form.said[-1] == ("early", None)


def test_a_check_box_carries_its_own_title(qtbot, form):
    box = form.findChild(QCheckBox, "field_bias")
    assert box.text() == "Use bias"
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert form.said == [("bias", False)]


def test_rows_that_do_not_matter_are_hidden(qtbot, form):
    assert not line(form, "slope").isVisible()
    box = form.findChild(QComboBox, "field_padding")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert form.said == [("padding", "he_normal")]
    assert line(form, "slope").isVisible()


def test_advanced_settings_are_folded_until_wanted(qtbot, form):
    assert not line(form, "epsilon").isVisible()
    qtbot.mouseClick(form.findChild(QPushButton, "fold_advanced"), Qt.MouseButton.LeftButton)
    assert line(form, "epsilon").isVisible()
    assert line(form, "epsilon").text() == "1e-8"


def test_focusing_a_folded_field_unfolds_it(form):
    form.focus_field("epsilon")
    assert line(form, "epsilon").hasFocus()


def test_a_rejected_edit_outlines_the_field(form):
    form.show_error("rate", "That is too fast.")
    assert line(form, "rate").property("wrong") is True
    assert complaint(form, "rate").text() == "That is too fast."


def test_every_field_has_a_name_and_help_for_everybody(form):
    assert line(form, "filters").accessibleName() == "Filters"
    assert line(form, "filters").toolTip() == "How many."


def test_another_variant_brings_its_own_settings_and_remembers_the_last(qtbot):
    form = StructForm([field for field in fields_of(Training) if field.name == "optimizer"])
    qtbot.addWidget(form)
    form.show_struct(Training())
    form.show()
    said = []
    form.changed.connect(lambda name, value: said.append(value))
    type_into(qtbot, form.findChild(QLineEdit, "field_learning_rate"), "0.5")
    assert said[-1] == Adam(learning_rate=0.5)
    box = form.findChild(QComboBox, "field_optimizer")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert said[-1] == SGD()
    assert form.findChild(QLineEdit, "field_momentum").isVisible()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert said[-1] == Adam(learning_rate=0.5)
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert said[-1] == AdamW()


def test_browse_fills_a_path_in(qtbot, form, tmp_path, monkeypatch):
    monkeypatch.setattr("widgets.fields.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path))
    button = form.findChild(QPushButton, "browse_folder")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert form.said == [("folder", str(tmp_path))]
    assert line(form, "folder").text() == str(tmp_path)


def test_half_a_typed_path_does_not_count_until_enter_or_a_pause(qtbot, form):
    field = line(form, "folder")
    type_into(qtbot, field, "/data")
    assert form.said == []
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert form.said == [("folder", "/data")]
    qtbot.keyClicks(field, "/cats")
    qtbot.waitUntil(lambda: form.said[1:] == [("folder", "/data/cats")], timeout=3000)


def test_leaving_a_path_field_takes_what_was_typed(qtbot, form):
    type_into(qtbot, line(form, "folder"), "/data")
    line(form, "filters").setFocus()
    assert form.said == [("folder", "/data")]


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    names: Annotated[tuple[str, ...], param("Names")] = ()
    levels: Annotated[tuple[float, ...], param("Levels")] = (0.1, 0.9)


def test_names_and_numbers_are_parted_by_commas(qtbot):
    made = StructForm(fields_of(Lists))
    qtbot.addWidget(made)
    made.show_struct(Lists())
    made.show()
    said = []
    made.changed.connect(lambda name, value: said.append((name, value)))
    assert line(made, "levels").text() == "0.1, 0.9"
    type_into(qtbot, line(made, "levels"), "0.25, 0.5")
    assert said[-1] == ("levels", (0.25, 0.5))
    type_into(qtbot, line(made, "names"), "wind, sun power,")
    assert said[-1] == ("names", ("wind", "sun power"))
    line(made, "names").clear()
    qtbot.keyClick(line(made, "names"), Qt.Key.Key_Space)
    assert said[-1] == ("names", ())
