"""Constants of spectra, in NumPy: both frameworks' generated code has these functions as they are.

They use NumPy alone, and their annotations name nothing else.
"""

import numpy as np


def window_values(kind: str, length: int) -> np.ndarray:
    """Return a periodic window, as spectra over time need it: float64 (length)."""
    angles = 2 * np.pi * np.arange(length) / length
    if kind == "hann":
        return 0.5 - 0.5 * np.cos(angles)
    if kind == "hamming":
        return 0.54 - 0.46 * np.cos(angles)
    if kind == "blackman":
        return 0.42 - 0.5 * np.cos(angles) + 0.08 * np.cos(2 * angles)
    return np.ones(length)


def fourier_kernel(n_fft: int, window: str, window_length: int) -> np.ndarray:
    """Return windowed cosines, then sines, of each frequency: (n_fft, 2 · (n_fft // 2 + 1)).

    A window shorter than `n_fft` stands in its middle.
    """
    values = np.zeros(n_fft)
    front = (n_fft - window_length) // 2
    values[front : front + window_length] = window_values(window, window_length)
    turns = np.outer(np.arange(n_fft), np.arange(n_fft // 2 + 1)) % n_fft
    angles = 2 * np.pi * turns / n_fft
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    return (values[:, None] * waves).astype(np.float32)


def mel_edges(bands: int, low: float, high: float, scale: str) -> np.ndarray:
    """Return bands + 2 frequencies in Hz, evenly spaced on a mel scale.

    "htk" is 2595 · log10(1 + f / 700); "slaney" is linear below 1 kHz and logarithmic above.
    """
    if scale == "htk":
        ends = 2595 * np.log10(1 + np.array([low, high]) / 700)
        return 700 * (10 ** (np.linspace(*ends, bands + 2) / 2595) - 1)
    step, knee = np.log(6.4) / 27, 15.0
    ends = np.array([low, high], np.float64)
    above = knee + np.log(np.maximum(ends, 1000) / 1000) / step
    mels = np.linspace(*np.where(ends < 1000, ends * 3 / 200, above), bands + 2)
    curved = 1000 * np.exp(step * (np.maximum(mels, knee) - knee))
    return np.where(mels < knee, mels * 200 / 3, curved)


def mel_filters(
    n_fft: int,
    *,
    sample_rate: int,
    bands: int,
    low: float,
    high: float,
    scale: str,
    norm: str,
) -> np.ndarray:
    """Return triangles over the frequencies of a spectrum: (n_fft // 2 + 1, bands).

    With norm "slaney" each triangle has an area of one, else a height of one.
    """
    edges = mel_edges(bands, low, high, scale)
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    if norm == "slaney":
        triangles *= 2 / (edges[2:] - edges[:-2])
    return triangles.astype(np.float32)
