"""Folders of sound files: sizes of samples, mixed rates, damaged files."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from plugins.sources.sound_folder import SoundFolder
from workbench.document.experiment import Split
from workbench.errors import UserError
from workbench.plugin_api.sounds import resampled

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
    (tmp_path / "a" / "empty.wav").touch()
    whole = (tmp_path / "a" / "0.wav").read_bytes()
    (tmp_path / "b" / "cut.wav").write_bytes(whole[:100])

    opened = SoundFolder(folder=str(tmp_path)).open(NO_SPLIT)

    reasons = {file.path: file.reason for file in opened.bad_files}
    assert len(opened.splits["train"]) == 6
    assert reasons["a/fast.wav"] == (
        "it has 16000 samples a second, most others 8000; set a sample rate to use both"
    )
    assert reasons["a/stereo.wav"] == "it has 2 channels, most others 1"
    assert reasons["a/none.wav"] == "it holds no sound"
    assert reasons["b/cut.wav"] == "it is cut off"
    assert reasons["a/words.wav"] == "it is no sound file (Format not recognised)"
    assert reasons["a/empty.wav"] == "it is empty"


def test_a_folder_without_sounds_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no sound files"):
        SoundFolder(folder=str(tmp_path)).open(NO_SPLIT)


@pytest.mark.parametrize(("suffix", "subtype"), [("flac", "PCM_16"), ("wav", "FLOAT"), ("ogg", "")])
def test_other_kinds_of_sound_files(tmp_path, suffix, subtype):
    import soundfile

    tone = np.sin(np.linspace(0, 200, 4000)) * 0.9
    for label in "ab":
        (tmp_path / label).mkdir()
        path = tmp_path / label / f"tone.{suffix}"
        soundfile.write(path, np.stack([tone, -tone], 1), 8000, subtype=subtype or None)

    train = SoundFolder(folder=str(tmp_path)).open(NO_SPLIT).splits["train"]

    assert train.shapes.tolist() == [[4000, 2]] * 2
    found = train.read(0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, 1], -tone, atol=0.2 if suffix == "ogg" else 1e-4)


@pytest.mark.parametrize(("suffix", "subtype"), [("flac", "PCM_16"), ("wav", "FLOAT")])
def test_files_that_are_cut_off_are_listed(tmp_path, suffix, subtype):
    import soundfile

    noise = np.random.default_rng(0).normal(size=20_000) * 0.1
    for path in ("a/1", "a/2", "b/1", "b/2"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        soundfile.write(f"{tmp_path / path}.{suffix}", noise, 8000, subtype=subtype)
    cut = tmp_path / f"a/2.{suffix}"
    cut.write_bytes(cut.read_bytes()[:15_000])

    opened = SoundFolder(folder=str(tmp_path)).open(NO_SPLIT)

    assert [(bad.path, bad.reason) for bad in opened.bad_files] == [
        (f"a/2.{suffix}", "it is cut off")
    ]
    assert len(opened.splits["train"]) == 3


def test_mixed_rates_become_one_where_one_is_set(tmp_path):
    times = np.arange(8000) / 8000
    _write(tmp_path / "a" / "slow.wav", 0.5 * np.sin(2 * np.pi * 440 * times), rate=8000)
    _write(
        tmp_path / "b" / "fast.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100), 44100
    )

    opened = SoundFolder(folder=str(tmp_path), sample_rate=16000).open(NO_SPLIT)

    train = opened.splits["train"]
    assert not opened.bad_files
    assert train.sample_rate == 16000
    assert train.shapes.tolist() == [[16000, 1], [16000, 1]]
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    for index in range(2):
        np.testing.assert_allclose(train.read(index)[:, 0], expected, atol=2e-3)


def test_resampling_is_that_of_scipy():
    from scipy.signal import resample

    values = np.random.default_rng(0).normal(size=(441, 2))
    for wanted in (161, 441, 1001):  # scipy halves the highest frequency of an even count
        count = len(resampled(values, 441, wanted))
        np.testing.assert_allclose(
            resampled(values, 441, wanted), resample(values, count, axis=0), atol=1e-6
        )


def test_names_can_begin_with_the_class(tmp_path):
    for name, steps in (("7_anna_0", 300), ("7_ben_12", 200), ("0_anna_3", 100), ("0_ben_1", 50)):
        _write(tmp_path / f"{name}.wav", np.linspace(-0.5, 0.5, steps))
    _write(tmp_path / "noise.wav", np.zeros(100))
    _write(tmp_path / "1_in" / "1_anna_0.wav", np.zeros(100))

    source = SoundFolder(folder=str(tmp_path), named_by="file_name")
    opened = source.open(Split(validation=0, test=0))

    assert opened.classes == ("0", "7")
    train = opened.splits["train"]
    found = {train.name(n): opened.classes[train.targets[n]] for n in range(len(train))}
    assert found == {
        "0_anna_3.wav": "0",
        "0_ben_1.wav": "0",
        "7_anna_0.wav": "7",
        "7_ben_12.wav": "7",
    }
    assert [bad.path for bad in opened.bad_files] == ["noise.wav"]
    with pytest.raises(UserError, match="one class only") as error:
        SoundFolder(folder=str(tmp_path / "1_in"), named_by="file_name").open(NO_SPLIT)
    assert error.value.hint == "Add sound files for each further class."
