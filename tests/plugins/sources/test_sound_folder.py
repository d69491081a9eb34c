"""Folders of WAV files: sizes of samples, mixed rates, damaged files."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from plugins.sources.sound_folder import SoundFolder
from workbench.document.experiment import Split
from workbench.errors import UserError

NO_SPLIT = Split(validation=0, test=0)


def _write(path, values, rate=8000, width=2):
    path.parent.mkdir(exist_ok=True)
    channels = 1 if values.ndim == 1 else values.shape[1]
    if width == 1:
        content = (values * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = (values * (2 ** (8 * width - 1) - 1)).astype("<i4")
        content = b"".join(int(v).to_bytes(4, "little", signed=True)[:width] for v in whole.flat)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_values_are_those_of_the_file(tmp_path, width):
    tone = np.sin(np.linspace(0, 20, 300)) * 0.9
    _write(tmp_path / "a" / "1.wav", tone, width=width)
    _write(tmp_path / "b" / "2.wav", tone[:200], width=width)

    train = SoundFolder(folder=str(tmp_path)).open(NO_SPLIT).splits["train"]

    assert train.shapes.tolist() == [[300, 1], [200, 1]]
    found = train.read(0)
    assert (found.dtype, found.shape) == (np.float32, (300, 1))
    np.testing.assert_allclose(found[:, 0], tone, atol=0.02 if width == 1 else 1e-3)


def test_what_is_unlike_the_others_or_damaged_is_listed(tmp_path):
    tone = np.zeros(100)
    for number in range(3):
        _write(tmp_path / "a" / f"{number}.wav", tone)
        _write(tmp_path / "b" / f"{number}.wav", tone)
    _write(tmp_path / "a" / "fast.wav", tone, rate=16000)
    _write(tmp_path / "a" / "stereo.wav", np.zeros((100, 2)))
    _write(tmp_path / "a" / "none.wav", np.zeros(0))
    (tmp_path / "a" / "words.wav").write_text("not a sound")
    whole = (tmp_path / "a" / "0.wav").read_bytes()
    (tmp_path / "b" / "cut.wav").write_bytes(whole[:100])

    opened = SoundFolder(folder=str(tmp_path)).open(NO_SPLIT)

    reasons = {file.path: file.reason for file in opened.bad_files}
    assert len(opened.splits["train"]) == 6
    assert reasons["a/fast.wav"] == "it has 16000 samples a second, most others 8000"
    assert reasons["a/stereo.wav"] == "it has 2 channels, most others 1"
    assert reasons["a/none.wav"] == "it holds no sound"
    assert reasons["b/cut.wav"] == "it is cut off"
    assert "a/words.wav" in reasons


def test_a_folder_without_sounds_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no WAV files"):
        SoundFolder(folder=str(tmp_path)).open(NO_SPLIT)
