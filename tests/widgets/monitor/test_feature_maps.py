import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QToolButton

from tests.widgets.runs_on_disk import snapshot, write_run
from widgets.monitor.feature_maps import FeatureMaps
from workbench.runs import events as ev
from workbench.runs.log import LineWriter
from workbench.runs.probes import write_snapshot


@pytest.fixture
def watching(at_rest):
    return at_rest.watching


@pytest.fixture
def view(qtbot, at_rest, theme, watching, run_folder):
    widget = FeatureMaps(at_rest, theme, watching)
    qtbot.addWidget(widget)
    widget.resize(390, 270)
    widget.show()
    at_rest.document.select(("conv1",))
    at_rest.run.open(run_folder)
    return widget


def heading(view):
    return view.findChild(QToolButton, "layer").text()


def slider(view):
    return view.findChild(QSlider, "time")


def probe(session, step):
    """Do what a worker does when it has probed once more."""
    name = f"{step:06}.safetensors"
    write_snapshot(session.run.folder.probes / name, snapshot(step))
    with LineWriter(session.run.folder.events) as events:
        events.write(ev.encode(ev.Probed(time=1.0, step=step, name=name, seconds=0.01)))
    session.run.take()
    session.run.updated.emit()


def test_the_newest_maps_of_the_selected_layer(view):
    assert heading(view) == "conv1 · step 336"
    assert view.is_live
    assert view.findChild(QLabel, "pinned").isVisible()
    assert view.findChild(QComboBox, "channels").count() == 29


def test_every_map_is_painted_in_viridis(view):
    view.maps.grab()
    image = view.maps._image
    seen = {image.pixelColor(x, y).name() for x in range(0, 300, 3) for y in range(0, 150, 3)}
    assert "#440154" in seen
    assert len(seen) > 20


def test_scrubbing_goes_back_and_the_newest_no_longer_takes_over(view, at_rest):
    bar = slider(view)
    bar.setFocus()
    QTest.keyClick(bar, Qt.Key.Key_Home)
    assert heading(view) == "conv1 · step 1"
    assert not view.is_live
    probe(at_rest, 400)
    assert heading(view) == "conv1 · step 1"
    QTest.mouseClick(view.findChild(QToolButton, "live"), Qt.MouseButton.LeftButton)
    assert heading(view) == "conv1 · step 400"
    assert view.is_live


def test_dragging_the_slider_to_its_end_is_live_again(view, at_rest):
    bar = slider(view)
    QTest.keyClick(bar, Qt.Key.Key_Home)
    QTest.keyClick(bar, Qt.Key.Key_End)
    assert view.is_live
    probe(at_rest, 401)
    assert heading(view) == "conv1 · step 401"


def test_selecting_a_layer_watches_it(view, at_rest):
    assert at_rest.run.watched[:2] == (0, ("conv1",))
    at_rest.document.select(("logits",))
    _, layers, thumbnails = at_rest.run.watched
    assert layers == ("logits",)
    assert set(thumbnails) == {"image", "conv1", "pool1", "flat", "logits", "output"}
    assert heading(view).startswith("logits")


def test_a_vector_is_drawn_as_bars_with_class_names(view, at_rest):
    at_rest.document.select(("logits",))
    assert view.maps.is_vector
    assert view.maps.describe(3).startswith("digit 3: ")
    assert not view.maps.grab().isNull()


def test_a_layer_that_was_not_recorded_says_so(view, at_rest):
    at_rest.document.select(("pool1",))
    assert "pool1 was not recorded at step 336" in view.maps._message


def test_next_sample_is_pinned(view, at_rest):
    following = view.findChild(QToolButton, "next_sample")
    QTest.mouseClick(following, Qt.MouseButton.LeftButton)
    QTest.mouseClick(following, Qt.MouseButton.LeftButton)
    QTest.mouseClick(view.findChild(QToolButton, "previous_sample"), Qt.MouseButton.LeftButton)
    assert at_rest.run.watched[0] == 1


def test_a_click_enlarges_a_map_and_another_shows_all(view):
    view.maps.grab()
    place = view.maps.cell_rect(9).center().toPoint()
    QTest.mouseClick(view.maps, Qt.MouseButton.LeftButton, pos=place)
    channels = view.findChild(QComboBox, "channels")
    assert channels.currentText() == "Channel 9"
    view.maps.grab()
    assert view.maps.cell_rect(0).width() > 100
    QTest.keyClick(view.maps, Qt.Key.Key_Right)
    assert channels.currentText() == "Channel 10"
    QTest.mouseClick(
        view.maps, Qt.MouseButton.LeftButton, pos=view.maps.cell_rect(0).center().toPoint()
    )
    assert channels.currentText() == "All channels"


def test_escape_leaves_the_enlarged_map(view):
    view.choose_channel(4)
    QTest.keyClick(view.maps, Qt.Key.Key_Escape)
    assert view.findChild(QComboBox, "channels").currentText() == "All channels"


def test_common_scale_dims_weak_channels(view):
    maps = view._snapshot.layers["conv1"]
    weakest, strongest = int(np.argmin(maps.high)), int(np.argmax(maps.high))

    def brightest(channel):
        view.maps.grab()
        box = view.maps.cell_rect(channel).toRect()
        image = view.maps._image
        return max(
            image.pixelColor(x, y).lightness()
            for x in range(box.left(), box.right(), 2)
            for y in range(box.top(), box.bottom(), 2)
        )

    before = brightest(weakest)
    QTest.mouseClick(view.findChild(QToolButton, "common_scale"), Qt.MouseButton.LeftButton)
    assert brightest(weakest) <= before
    assert brightest(strongest) >= brightest(weakest)


def test_the_picker_selects_on_the_canvas(view, at_rest):
    popup = view.findChild(QToolButton, "layer").menu()
    popup.popup(view.mapToGlobal(view.rect().topLeft()))
    assert popup.list.model().rowCount() == len(at_rest.run.experiment.graph.nodes)
    QTest.keyClicks(popup.field, "OGIT")
    assert popup.list.model().rowCount() == 1
    QTest.keyClick(popup.field, Qt.Key.Key_Return)
    assert not popup.isVisible()
    assert at_rest.document.selection == ("logits",)
    assert heading(view).startswith("logits")


def test_without_maps_it_says_how_to_get_them(qtbot, at_rest, theme, watching, runs_folder):
    widget = FeatureMaps(at_rest, theme, watching)
    qtbot.addWidget(widget)
    widget.show()
    at_rest.run.open(write_run(runs_folder, probes=0))
    assert widget.maps._message == "Train to see feature maps."
    assert not slider(widget).isEnabled()
