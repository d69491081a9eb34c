"""A click on a sound in the data panel opens it with its spectrogram."""

from __future__ import annotations

import wave

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from widgets.dialogs.spectrum import SpectrumDialog
from widgets.panels.data_preview import ThumbnailGrid
from workbench.document.experiment import Component, Data, Experiment

RATE = 8000


def write_sounds(folder):
    for label, frequency in (("high", 3000), ("low", 500)):
        (folder / label).mkdir()
        tone = np.sin(2 * np.pi * frequency * np.arange(RATE // 2) / RATE) * 20_000
        for number in range(6):
            with wave.open(str(folder / label / f"{number}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(tone.astype("<i2").tobytes())


def test_a_sound_is_shown_over_seconds_and_hertz(person, tmp_path):
    write_sounds(tmp_path)
    source = Component("sound_folder", {"folder": str(tmp_path)})
    person.window.show_workbench()
    person.session.document.replace(
        Experiment(data=Data(source=source, preprocessing=Component("series")))
    )
    panel = person.window.show_tab("data")
    grid = panel.findChild(ThumbnailGrid)
    person.wait(lambda: bool(grid._items))

    place = grid.picture_rect(0).center()
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place)
    (dialog,) = person.window.findChildren(SpectrumDialog)
    person.wait(lambda: dialog.spectrum._seen is not None)

    said = dialog._note.text()
    assert "0.50 s · 8000 Hz" in said
    assert dialog.spectrum.top == RATE / 2
    box = dialog.spectrum.area()
    image = dialog.spectrum.grab().toImage()
    frequency = 3000 if "high" in said else 500

    def lightness(hertz):
        place = box.center()
        y = box.bottom() - hertz / dialog.spectrum.top * box.height()
        ratio = image.devicePixelRatio()
        return image.pixelColor(int(place.x() * ratio), int(y * ratio)).lightness()

    assert lightness(frequency) > lightness(1800) + 40
    dialog.close()
