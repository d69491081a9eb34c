"""Sound files to arrays: plain functions that exported scripts carry along.

They use numpy and the standard library, and the package soundfile for what is no WAV file of whole
numbers; and no name that is not defined here, so that their source can be copied into a script.
"""

from __future__ import annotations

import wave

import numpy as np


def read_sound(path: str) -> tuple[np.ndarray, int]:
    """Read a WAV, FLAC, OGG, MP3 or AIFF file: (time × channels, −1…1, float32), samples a second.

    Raises:
        OSError: it cannot be read. ValueError: it is no such file, or cut off.
    """
    if path.lower().endswith(".wav"):
        with open(path, "rb") as file:
            head = file.read(22)
        if head[20:22] == b"\1\0":
            return read_wav(path)
    import soundfile

    try:
        with open(path, "rb") as file, soundfile.SoundFile(file) as sound:
            count, rate = sound.frames, int(sound.samplerate)
            values = sound.read(dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        reason = str(error).split(": ")[-1].strip().rstrip(".")
        raise ValueError(f"it is cut off or no sound file ({reason})") from error
    if not len(values) or len(values) < count:
        raise ValueError("it is cut off" if count else "it holds no sound")
    return values, rate


def read_wav(path: str) -> tuple[np.ndarray, int]:
    """Read a WAV file of whole numbers: (time × channels, −1…1, float32), and samples a second.

    Raises:
        OSError: it cannot be read. ValueError: it is no such file, or cut off.
    """
    try:
        with wave.open(path, "rb") as file:
            count, channels, width = file.getnframes(), file.getnchannels(), file.getsampwidth()
            content, rate = file.readframes(count), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is not a WAV file of whole numbers ({error})") from error
    if not count or len(content) < count * channels * width:
        raise ValueError("it is cut off" if count else "it holds no sound")
    if width == 1:
        values = np.frombuffer(content, np.uint8).astype(np.float32) / 128 - 1
    elif width == 3:
        parts = np.frombuffer(content, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = parts[:, 0] << 8 | parts[:, 1] << 16 | parts[:, 2] << 24
        values = (whole / 2**31).astype(np.float32)
    else:
        kind = {2: "<i2", 4: "<i4"}[width]
        values = (np.frombuffer(content, kind) / 2.0 ** (8 * width - 1)).astype(np.float32)
    return values.reshape(-1, channels), rate


def resampled(values: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Give a sound, time × channels, another number of samples a second, by its spectrum."""
    if rate == wanted:
        return values
    count = max(round(len(values) * wanted / rate), 1)
    spectrum = np.fft.rfft(values, axis=0)
    kept = np.zeros((count // 2 + 1, values.shape[1]), complex)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    found: np.ndarray = np.fft.irfft(kept, count, axis=0) * (count / len(values))
    return found.astype(np.float32)
