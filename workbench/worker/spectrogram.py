"""The spectrogram of a sound or a series: which frequencies there are, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.reading import SeenSpectrum
from workbench.worker.drawings import shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CHANNELS = 24
SECONDS = 0.025
"""Of the window of a sound, as is usual for speech."""
SHARE = 8
"""A window of a series without a rate is about so many times shorter than it."""
SHORTEST, LONGEST = 8, 4096
MOST_FRAMES = 1024
FLOOR = -80.0
"""Decibels below the loudest, where the picture ends."""


@dataclass(frozen=True)
class Spectrogram:
    """Power over time and frequency.

    Attributes:
        decibels: frequencies × frames, below the loudest, `FLOOR` at least; float32. The mean
            power of all channels.
        first, last: middle of the first and the last frame, in steps.
    """

    decibels: NDArray[np.float32]
    first: float
    last: float


def spectrogram(values: NDArray[Any], rate: float) -> Spectrogram:
    """Return the short-time Fourier transform's power, by Hann windows that overlap.

    Args:
        values: time × channels.
        rate: steps a second; 0 where that is not known.
    """
    signal = np.nan_to_num(values.astype(np.float32))
    steps = len(signal)
    window = _window(steps, rate)
    if steps < window:
        signal = np.pad(signal, ((0, window - steps), (0, 0)))
        steps = window
    hop = max(window // 4, -(-(steps - window) // (MOST_FRAMES - 1)), 1)
    starts = np.arange(0, steps - window + 1, hop)
    taper = np.hanning(window + 1)[:-1].astype(np.float32)
    power = np.zeros((len(starts), window // 2 + 1))
    frames = starts[:, None] + np.arange(window)
    for channel in signal.T:
        cut = channel[frames]
        spectrum = np.fft.rfft((cut - cut.mean(axis=1, keepdims=True)) * taper)
        power += np.square(np.abs(spectrum))
    loudest = power.max() or 1.0
    decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (FLOOR / 10)))
    middle = window / 2
    return Spectrogram(decibels.T.astype(np.float32), middle, float(starts[-1]) + middle)


def seen_spectrum(values: NDArray[Any], rate: float, name: str) -> SeenSpectrum:
    """Return a series of time × channels and its spectrogram for the eye."""
    shown = values[:, :MOST_CHANNELS]
    found = spectrogram(shown, rate)
    levels = np.rint((found.decibels - FLOOR) * (255 / -FLOOR)).astype(np.uint8)
    signal = shortened(np.nan_to_num(shown.astype(np.float32)))
    return SeenSpectrum(
        name=name,
        signal=signal.tobytes(),
        channels=signal.shape[1],
        steps=len(values),
        rate=rate,
        levels=levels.tobytes(),
        frames=levels.shape[1],
        low=FLOOR,
        high=0.0,
        first=found.first,
        last=found.last,
    )


def _window(steps: int, rate: float) -> int:
    """Return a power of two."""
    wanted = rate * SECONDS if rate else steps / SHARE
    power = 2 ** round(float(np.log2(max(wanted, 1))))
    return int(np.clip(power, SHORTEST, LONGEST))
