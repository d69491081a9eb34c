"""Spectrograms against PyTorch's Fourier transform and librosa's mel filters; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.layers._spectra import mel_filters
from tests.plugins.layers.running import close, output
from tests.plugins.networks import make, random_array
from tests.plugins.ragged import chain, ragged_case, series, torch_answer
from workbench.plugin_api.tensors import ShapeError, TensorType

CASES = [
    {},
    {"padding": "reflect", "window": "hamming"},
    {"padding": "none", "window": "blackman", "n_fft": 401},
    {"window_length": 300, "n_fft": 512, "hop_length": 100, "strength": "magnitude"},
    {"window_length": 77, "n_fft": 128, "window": "none"},
]


def transformed(x, params):
    """Return PyTorch's short-time Fourier transform as time × frequency × channels."""
    import torch

    n_fft = params.get("n_fft", 400)
    length = params.get("window_length", n_fft)
    windows = {
        "hann": torch.hann_window,
        "hamming": torch.hamming_window,
        "blackman": torch.blackman_window,
        "none": torch.ones,
    }
    spectrum = torch.stft(
        torch.from_numpy(x).double().movedim(-1, 1).flatten(0, 1),
        n_fft,
        params.get("hop_length", 160),
        length,
        windows[params.get("window", "hann")](length, dtype=torch.float64),
        center=params.get("padding") != "none",
        pad_mode="reflect" if params.get("padding") == "reflect" else "constant",
        return_complex=True,
    ).abs()
    power = 1 if params.get("strength") == "magnitude" else 2
    return (spectrum**power).unflatten(0, (len(x), -1)).permute(0, 3, 2, 1).numpy()


@pytest.mark.parametrize("params", CASES, ids=str)
def test_spectrogram_is_the_fourier_transform(catalog, params):
    x = random_array((1500, 2))
    expected = transformed(x, params)
    _, found = output(catalog, "Spectrogram", x, scale="linear", picture=True, **params)
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= 3e-6 * expected.max()
    _, flat = output(catalog, "Spectrogram", x, scale="linear", **params)
    np.testing.assert_array_equal(flat, found.reshape(*found.shape[:2], -1))


def test_scales_are_logarithms_above_a_floor(catalog):
    x = random_array((1000, 1)) * np.array([1, 0], np.float32)[:, None, None]  # the second: silence
    _, power = output(catalog, "Spectrogram", x, scale="linear")
    _, log = output(catalog, "Spectrogram", x, scale="log", floor=0.5)
    close(log, np.log(np.maximum(power, 0.5)), 1e-4)
    _, decibel = output(catalog, "Spectrogram", x, scale="decibel", floor=1e-10)
    close(decibel, 10 * np.log10(np.maximum(power, 1e-10)), 1e-3)
    _, of_magnitude = output(
        catalog, "Spectrogram", x, scale="decibel", floor=1e-5, strength="magnitude"
    )
    close(of_magnitude, decibel, 1e-3)


# librosa.filters.mel(sr=8000, n_fft=16, n_mels=3, …) of librosa 0.11.0
SLANEY = np.array([
    [0, 0, 0], [1.23192024, 0, 0], [0.74590338, 0.71866135, 0], [0, 0.95319527, 0.17953413],
    [0, 0.31149165, 0.54960601], [0, 0, 0.62247203], [0, 0, 0.41498136], [0, 0, 0.20749068],
    [0, 0, 0],
]) / 1e3  # fmt: skip
HTK = np.array([
    [0, 0, 0], [0.89345922, 0.10654078, 0], [0.16569184, 0.83430816, 0],
    [0, 0.65082372, 0.34917628], [0, 0.19871526, 0.80128474], [0, 0, 0.84258541],
    [0, 0, 0.5617236], [0, 0, 0.2808618],
    [0, 0, 0],
])  # fmt: skip


def test_mel_filters_are_those_of_librosa():
    bands = {"sample_rate": 8000, "bands": 3, "high": 4000}
    slaney = mel_filters(16, **bands, low=100, scale="slaney", norm="slaney")
    np.testing.assert_allclose(slaney, SLANEY, atol=1e-9)
    htk = mel_filters(16, **bands, low=0, scale="htk", norm="none")
    np.testing.assert_allclose(htk, HTK, atol=1e-7)


def test_mel_spectrogram_joins_the_frequencies_of_a_spectrogram(catalog):
    x = random_array((900, 1))
    _, power = output(catalog, "Spectrogram", x, scale="linear")
    settings = {"sample_rate": 8000, "n_mels": 20, "f_min": 50.0, "mel_scale": "slaney"}
    _, found = output(catalog, "MelSpectrogram", x, scale="linear", norm="slaney", **settings)
    bands = {"sample_rate": 8000, "bands": 20, "low": 50, "high": 4000}
    expected = power @ mel_filters(400, **bands, scale="slaney", norm="slaney")
    assert abs(found - expected).max() <= 1e-5 * expected.max()


@pytest.mark.parametrize("padding", ["zeros", "none"])
def test_each_sound_of_a_batch_has_the_frames_of_its_own_length(catalog, padding):
    settings = {"n_fft": 8, "hop_length": 3, "scale": "linear", "padding": padding}
    lengths = (20, 8, 13)
    layer = make(catalog, "Spectrogram", **settings)
    network = chain(catalog, [series(1)], layer)
    case = ragged_case(network, lengths, extent=24, filling=50.0)
    found = torch_answer(network, case).outputs[0]
    for row, length in enumerate(lengths):
        _, alone = output(
            catalog, "Spectrogram", case.inputs[0][row : row + 1, :length], **settings
        )
        close(found[row : row + 1, : alone.shape[1]], alone)


def test_half_precision_keeps_spectra_as_they_are(catalog):
    import torch

    x = 100 * random_array((900, 1))
    model, found = output(catalog, "MelSpectrogram", x, scale="linear")
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(model.run(x), found)


REFUSALS = [
    ({}, (64,), "Spectrogram needs time × channels, but got features (64)."),
    (
        {"padding": "none"}, (300, 1),
        "Spectrogram takes 400 samples at once, but there are 300.",
    ),
    (
        {"padding": "reflect"}, (200, 1),
        "Spectrogram mirrors 200 samples at each end, but there are 200.",
    ),
    (
        {"window_length": 500}, (900, 1),
        "Spectrogram has a window of 500 samples, longer than the 400 of its FFT.",
    ),
    (
        {"padding": "reflect"}, (None, 1),
        "Spectrogram cannot mirror the ends of samples that differ in length.",
    ),
    (
        {"picture": True}, (None, 1),
        "Spectrogram gives no pictures of samples that differ in length.",
    ),
    (
        {"f_max": 9000.0}, (900, 1),
        "Mel spectrogram asks for frequencies up to 9000 Hz, but a sample rate of 16000 Hz holds "
        "none above 8000 Hz.",
    ),
    (
        {"f_min": 500.0, "f_max": 500.0}, (900, 1),
        "Mel spectrogram has a lowest frequency of 500 Hz, which is not below the highest, 500 Hz.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("params", "shape", "message"), REFUSALS, ids=lambda case: str(case))
def test_refusals(catalog, params, shape, message):
    kind = "MelSpectrogram" if message.startswith("Mel") else "Spectrogram"
    with pytest.raises(ShapeError) as caught:
        make(catalog, kind, **params).output([TensorType(shape)])
    assert caught.value.message == message
    assert caught.value.hint
