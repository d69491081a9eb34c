"""Numbers, sizes and times as a person reads them."""

from __future__ import annotations

import re

NARROW = "\N{NARROW NO-BREAK SPACE}"
"""Between groups of three digits and before a per cent sign; it never ends a line."""

_CHOICES = {
    "linear": "none",
    "relu": "ReLU",
    "relu6": "ReLU 6",
    "leaky_relu": "Leaky ReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "float32": "32 bit",
    "float16": "16 bit (float16)",
    "bfloat16": "16 bit (bfloat16)",
    "rgb": "RGB",
    "zero_one": "0 to 1",
    "minus_one_one": "−1 to 1",
    "imagenet": "ImageNet",
    "stored": "as stored",
    "system": "as the system",
}
_NAMES = {"he": "He", "glorot": "Glorot", "lecun": "LeCun", "l1": "L1", "l2": "L2"}


def grouped(number: int) -> str:
    """Return a whole number in groups of three digits: 18 496."""
    return f"{number:,}".replace(",", NARROW)


def percent(share: float, digits: int = 1) -> str:
    """Return a share of 1 in per cent: 98.1 %."""
    return f"{100 * share:.{digits}f}{NARROW}%"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return "1 layer" or "9 layers"."""
    return f"{grouped(number)} {noun if number == 1 else plural or noun + 's'}"


def short_count(number: float) -> str:
    """Return a count in three digits with its prefix: 12.4 M."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{_three_digits(number / factor)} {prefix}"
    return f"{number:.0f}"


def byte_size(number: float) -> str:
    """Return a size in bytes: 1.9 GB."""
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= factor:
            return f"{_three_digits(number / factor)} {unit}"
    return f"{number:.0f} B"


def duration(seconds: float) -> str:
    """Return a time span in at most two units: 1 min 12 s."""
    whole = round(seconds)
    if whole < 1:
        return "less than 1 s"
    for size, unit, small, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return _two(whole // size, unit, whole % size // small, part)
    return _two(whole // 60, "min", whole % 60, "s") if whole >= 60 else f"{whole} s"


def decimal(number: float) -> str:
    """Return the shortest text that reads back as the same number: 0.001, 1e-8, 4e-6."""
    text = repr(float(number))
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    if 0 < abs(number) < 1e-3:
        mantissa, exponent = f"{number:e}".split("e")
        tight = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
        return tight if float(tight) == number else text
    return text.removesuffix(".0")


def choice_title(value: object) -> str:
    """Return a choice as a person reads it: "he_normal" becomes "He normal"."""
    text = str(value)
    if text in _CHOICES:
        return _CHOICES[text]
    return " ".join(_NAMES.get(word, word) for word in text.split("_"))


def class_title(kind: type) -> str:
    """Return the title of a struct: its own, or its name in words (OneCycle: One cycle)."""
    own = getattr(kind, "title", "")
    if isinstance(own, str) and own:
        return own
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", kind.__name__)
    first, *rest = words.split(" ")
    return " ".join([first, *(word.lower() for word in rest)])


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 99.5 else f"{number:.1f}".removesuffix(".0")


def _two(big: int, unit: str, small: int, part: str) -> str:
    return f"{big} {unit} {small} {part}" if small else f"{big} {unit}"
