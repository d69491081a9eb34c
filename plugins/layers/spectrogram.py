"""Front ends for sound: which frequencies a wave holds, and how strong each is over time."""

from collections.abc import Sequence
from inspect import getsource
from typing import Annotated, ClassVar, Literal

from plugins.layers import _spectra, _spectrogram_source
from plugins.layers._source import call, number, unless
from plugins.layers._steps import REAL_STEPS, keras_real, torch_real
from plugins.layers._windows import Window
from workbench.plugin_api.code import Code, Layout, Lengths
from workbench.plugin_api.layer import Layer, need_rank
from workbench.plugin_api.parameters import Field, Pair, Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_LOGARITHMIC = ("scale", ("log", "decibel"))


class _Spectrum(Layer, frozen=True, kw_only=True):
    """What both kinds of spectrogram share."""

    category = "Sound"
    rank: ClassVar[int] = 1

    n_fft: Annotated[
        int,
        param(
            "FFT size",
            "Samples of the wave that each spectrum is made of; half as many frequencies, plus one",
            minimum=2,
            maximum=65_536,
            unit="samples",
        ),
    ] = 400
    window_length: Annotated[
        Size | None,
        param(
            "Window length",
            "Samples under the window, in the middle of the others; empty: the FFT size",
            unit="samples",
            advanced=True,
        ),
    ] = None
    hop_length: Annotated[
        int,
        param("Hop", "From one spectrum to the next", minimum=1, maximum=65_536, unit="samples"),
    ] = 160
    window: Annotated[
        Literal["hann", "hamming", "blackman", "none"],
        param("Window", "How samples fade in and out of a spectrum", advanced=True),
    ] = "hann"
    padding: Annotated[
        Literal["zeros", "reflect", "none"],
        param(
            "Padding",
            "zeros, reflect: a spectrum is centred on every hop from the first sample on, and what "
            "lies before and after the wave is silence or its mirror image; none: only what is "
            "there",
            advanced=True,
        ),
    ] = "zeros"
    strength: Annotated[
        Literal["magnitude", "power"], param("Strength", "power: the magnitude squared")
    ] = "power"
    scale: Annotated[
        Literal["linear", "log", "decibel"],
        param("Scale", "log: natural logarithm; decibel: ten times that of base 10 of the power"),
    ] = "log"
    floor: Annotated[
        float,
        param(
            "Floor",
            "Anything weaker counts as this strong, so that silence has a logarithm",
            above=0,
            shown_if=_LOGARITHMIC,
            advanced=True,
        ),
    ] = 1e-6
    picture: Annotated[
        bool,
        param(
            "As a picture",
            "Give time × frequency × channels, for two-dimensional convolutions; else each step "
            "has the frequencies of all channels side by side",
        ),
    ] = False

    @property
    def bins(self) -> int:
        """Number of frequencies that a spectrum gives."""
        return self.n_fft // 2 + 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return frames × frequencies; raises ShapeError unless a wave comes in that is enough."""
        tensor = inputs[0]
        hint = "Connect it to the Input of a sound, or add Reshape before it."
        need_rank(self, tensor, 2, "time × channels", hint)
        if tensor.shape[1] is None:
            raise ShapeError(f"{self.title} needs a known number of channels, but got {tensor}.")
        self._check_settings()
        frames = None
        if tensor.varies:
            self._check_varying()
        else:
            frames = self._frames(tensor.shape[0])
        if self.picture:
            axes = ("time", "frequency", "channels")
            return TensorType((frames, self._features, tensor.shape[1]), axes)
        return TensorType((frames, self._features * tensor.shape[1]))

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return those of the Fourier transform as a convolution, cosines and sines."""
        channels = inputs[0].shape[1]
        return channels * (self.output(inputs).shape[0] or 1) * self.n_fft * 2 * self.bins

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a strided convolution with cosines and sines, and what follows it."""
        given = torch_real("channels_last") if inputs[0].varies else "{0}"
        helpers = {**_functions(), "Spectrogram": _spectrogram_source.TORCH}
        init = self._init(inputs[0])
        lengths = self._lengths() if inputs[0].varies else None
        expression = "{self}(" + given + ")"
        return Code(expression, init, "channels_last", helpers=helpers, lengths=lengths)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return the same as a layer of its own."""
        helpers = {**_functions(), "Spectrogram": _spectrogram_source.KERAS}
        given, lengths = "{0}", None
        if inputs[0].varies:
            given, lengths = keras_real(), self._lengths()
            helpers |= REAL_STEPS
        init = self._init(inputs[0])
        return Code("{self}(" + given + ")", init, helpers=helpers, lengths=lengths)

    def summary(self) -> str:
        """Return "201 frequencies · hop 160"."""
        return f"{self._features} {self._unit} · hop {self.hop_length}"

    _unit: ClassVar[str] = "frequencies"

    @property
    def _features(self) -> int:
        return self.bins

    def _mel(self) -> str | None:
        """Return what the mel filters are made of beside the FFT size, as source."""
        return None

    def _init(self, tensor: TensorType) -> str:
        is_linear = self.scale == "linear"
        pads = self._pads(tensor)
        return call(
            "Spectrogram",
            self.n_fft,
            self.hop_length,
            window=unless(f'"{self.window}"', '"hann"'),
            window_length=unless(self.window_length, self.n_fft),
            pads=pads if any(pads) else None,
            mode='"reflect"' if self.padding == "reflect" and any(pads) else None,
            mel=self._mel(),
            magnitude=unless(self.strength == "magnitude", False),
            scale=None if is_linear else f'"{self.scale}"',
            floor=None if is_linear else number(self.floor),
            picture=unless(self.picture, False),
        )

    def _pads(self, tensor: TensorType) -> Pair:
        """Return how many samples to put before and after the wave.

        Where samples differ in length, the shortest one still gives a spectrum.
        """
        if self.padding != "none":
            return self.n_fft // 2, self.n_fft // 2
        return (0, self.n_fft - 1) if tensor.varies else (0, 0)

    def _lengths(self) -> Lengths:
        centred = 0 if self.padding == "none" else 2 * (self.n_fft // 2)
        return Lengths(centred - self.n_fft + self.hop_length, self.hop_length)

    def _frames(self, samples: int) -> int:
        pads = self._pads(TensorType((samples, 1)))
        if self.padding == "reflect" and samples <= pads[0]:
            raise ShapeError(
                f"{self.title} mirrors {pads[0]} samples at each end, but there are {samples}.",
                "Make the FFT size smaller, or pad with zeros.",
            )
        frames = Window(self.n_fft, self.hop_length).positions(samples, pads)
        if frames < 1:
            raise ShapeError(
                f"{self.title} takes {self.n_fft} samples at once, but there are {samples}.",
                "Make the FFT size smaller, or pad with zeros.",
            )
        return frames

    def _check_settings(self) -> None:
        if self.window_length is not None and self.window_length > self.n_fft:
            raise ShapeError(
                f"{self.title} has a window of {self.window_length} samples, longer than the "
                f"{self.n_fft} of its FFT.",
                "Make the FFT size larger, or the window shorter.",
            )

    def _check_varying(self) -> None:
        if self.padding == "reflect":
            raise ShapeError(
                f"{self.title} cannot mirror the ends of samples that differ in length.",
                "Pad with zeros.",
            )
        if self.picture:
            raise ShapeError(
                f"{self.title} gives no pictures of samples that differ in length.",
                "Let the preprocessing give all samples one length, or give no picture.",
            )


class Spectrogram(_Spectrum, frozen=True, kw_only=True):
    """Strength of evenly spaced frequencies over time."""

    id = "Spectrogram"
    title = "Spectrogram"
    help = "Turns a wave into how strong each frequency is over time (short-time Fourier)."
    reference = (
        "https://docs.pytorch.org/audio/stable/generated/torchaudio.transforms.Spectrogram.html"
    )
    keywords = ("stft", "fft", "fourier", "sound", "audio", "wav", "frequency")


class MelSpectrogram(_Spectrum, frozen=True, kw_only=True):
    """Strength of bands of frequencies, spaced as the ear hears them, over time."""

    id = "MelSpectrogram"
    title = "Mel spectrogram"
    help = "Turns a wave into how strong bands of frequencies are over time, spaced as we hear."
    reference = (
        "https://docs.pytorch.org/audio/stable/generated/torchaudio.transforms.MelSpectrogram.html"
    )
    keywords = ("stft", "mfcc", "filter bank", "sound", "audio", "speech", "wav")
    _unit = "bands"

    sample_rate: Annotated[
        int,
        param("Sample rate", "Of the waves that come in", minimum=1, maximum=1_000_000, unit="Hz"),
    ] = 16_000
    n_mels: Annotated[int, param("Mel bands", "Bands of frequencies", minimum=1, maximum=4096)] = 64
    f_min: Annotated[float, param("Lowest", minimum=0, unit="Hz", advanced=True)] = 0.0
    f_max: Annotated[
        Annotated[float, param("", above=0)] | None,
        param("Highest", "Empty: half the sample rate", unit="Hz", advanced=True),
    ] = None
    mel_scale: Annotated[
        Literal["htk", "slaney"],
        param("Mel scale", "htk: as torchaudio; slaney: as librosa", advanced=True),
    ] = "htk"
    norm: Annotated[
        Literal["none", "slaney"],
        param(
            "Norm",
            "none: each band's triangle is one high, as torchaudio; slaney: its area is one, as "
            "librosa",
            advanced=True,
        ),
    ] = "none"

    @classmethod
    def parameters(cls) -> tuple[Field, ...]:
        """Return the parameters, those that people set first in front."""
        fields = super().parameters()
        first = [field for field in fields if field.name in ("sample_rate", "n_mels")]
        return (*first, *(field for field in fields if field not in first))

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return those of the Fourier transform, and of frequencies × bands."""
        frames = self.output(inputs).shape[0] or 1
        joined = inputs[0].shape[1] * frames * self.bins * self.n_mels
        return super().multiply_adds(inputs) + joined

    @property
    def _features(self) -> int:
        return self.n_mels

    @property
    def _highest(self) -> float:
        return self.sample_rate / 2 if self.f_max is None else self.f_max

    def _mel(self) -> str:
        return call(
            "dict",
            sample_rate=self.sample_rate,
            bands=self.n_mels,
            low=self.f_min,
            high=float(self._highest),
            scale=f'"{self.mel_scale}"',
            norm=f'"{self.norm}"',
        )

    def _check_settings(self) -> None:
        super()._check_settings()
        if self._highest > self.sample_rate / 2:
            raise ShapeError(
                f"{self.title} asks for frequencies up to {self._highest:g} Hz, but a sample rate "
                f"of {self.sample_rate} Hz holds none above {self.sample_rate / 2:g} Hz.",
                "Lower the highest frequency, or leave it empty.",
            )
        if self.f_min >= self._highest:
            raise ShapeError(
                f"{self.title} has a lowest frequency of {self.f_min:g} Hz, which is not below "
                f"the highest, {self._highest:g} Hz.",
                "Lower the lowest frequency.",
            )


def _functions() -> dict[str, str]:
    """Return the source of what both frameworks' code uses."""
    used = (
        _spectra.window_values,
        _spectra.fourier_kernel,
        _spectra.mel_edges,
        _spectra.mel_filters,
    )
    return {function.__name__: getsource(function) for function in used}
