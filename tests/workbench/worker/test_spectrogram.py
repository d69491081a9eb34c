"""Frequencies of sounds and series, against SciPy, and asked of the process that reads data."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from workbench.document.experiment import Component, Data
from workbench.reading import Refused, ShowSpectrum, SpectrumShown
from workbench.worker.reader import Answerer
from workbench.worker.spectrogram import FLOOR, MOST_FRAMES, spectrogram

RATE = 8000


def tone(frequency, seconds=1.0, rate=RATE):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)[:, None]


@pytest.fixture
def sounds(tmp_path):
    for label, frequency in (("high", 2000), ("low", 500)):
        (tmp_path / label).mkdir()
        for number in range(6):
            samples = (tone(frequency, 0.5 + number / 10) * 20_000).astype("<i2")
            with wave.open(str(tmp_path / label / f"{number}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(samples.tobytes())
    source = Component("sound_folder", {"folder": str(tmp_path)})
    return Data(source=source, preprocessing=Component("series"))


def test_as_scipy_works_it_out():
    from scipy.signal import spectrogram as peer

    random = np.random.default_rng(0)
    signal = random.normal(size=(4000, 2)).cumsum(axis=0)
    found = spectrogram(signal, RATE)
    window = 2 * (len(found.decibels) - 1)
    _, _, power = peer(
        signal.T, RATE, "hann", window, window - window // 4, detrend="constant", mode="psd"
    )
    mean = power.sum(axis=0)
    mean[1:-1] /= 2  # of one side, which SciPy counts twice
    expected = 10 * np.log10(np.maximum(mean / mean.max(), 10 ** (FLOOR / 10)))

    np.testing.assert_allclose(found.decibels, expected, atol=0.01)


@pytest.mark.parametrize("frequency", [250, 1000, 3000])
def test_a_tone_is_loudest_at_its_frequency(frequency):
    found = spectrogram(tone(frequency), RATE)
    rows = len(found.decibels)
    loudest = found.decibels.mean(axis=1).argmax() / (rows - 1) * RATE / 2
    assert loudest == pytest.approx(frequency, abs=RATE / 2 / (rows - 1))
    assert found.decibels.max() == 0
    assert found.decibels.min() >= FLOOR


@pytest.mark.parametrize("steps", [1, 5, 29, 100, 300_000])
def test_any_length_fits(steps):
    found = spectrogram(np.random.default_rng(0).normal(size=(steps, 3)), 0.0)
    assert 1 <= found.decibels.shape[1] <= MOST_FRAMES
    assert np.isfinite(found.decibels).all()
    assert found.last >= found.first


def test_silence_and_gaps_are_no_error():
    values = np.zeros((200, 1))
    values[5] = np.nan
    assert (spectrogram(values, RATE).decibels == FLOOR).all()


def test_the_reader_shows_a_sound_with_its_rate(catalog, sounds):
    reply = Answerer(catalog).answer(ShowSpectrum(id=2, data=sounds, split="train", index=0))

    assert isinstance(reply, SpectrumShown)
    seen = reply.spectrum
    assert (seen.rate, seen.channels) == (RATE, 1)
    levels = np.frombuffer(seen.levels, np.uint8).reshape(-1, seen.frames)
    expected = 2000 if seen.name.startswith("high") else 500
    loudest = levels.mean(axis=1).argmax() / (len(levels) - 1) * RATE / 2
    assert loudest == pytest.approx(expected, abs=40)
    assert len(seen.signal) == 4 * min(seen.steps, 4096) or seen.steps > 4096


@pytest.mark.parametrize(
    ("data", "index", "message"),
    [(Data(), 0, "Only sounds and series have frequencies."), (None, 999, "has no sample 999")],
)
def test_what_has_no_frequencies_is_refused(catalog, sounds, data, index, message):
    request = ShowSpectrum(data=data or sounds, split="train", index=index)
    reply = Answerer(catalog).answer(request)
    assert isinstance(reply, Refused)
    assert message in reply.message
