"""What the window asks the processes that look inside a trained network, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from workbench.plugin_api.data import Kind
from workbench.plugin_api.preprocessing import Word
from workbench.reading import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Array(msgspec.Struct, frozen=True):
    """Numbers of single precision, row after row."""

    shape: tuple[int, ...]
    data: bytes

    @staticmethod
    def of(values: NDArray[np.floating]) -> Array:
        """Pack an array."""
        return Array(values.shape, np.ascontiguousarray(values, np.float32).tobytes())

    def unpack(self) -> NDArray[np.float32]:
        """Return it as an array that cannot be written to."""
        return np.frombuffer(self.data, np.float32).reshape(self.shape)


class TypedText(msgspec.Struct, frozen=True, tag=True):
    """A sample that a person typed."""

    text: str


class GivenFile(msgspec.Struct, frozen=True, tag=True):
    """A sample in a file of a person's own."""

    path: str


Sample = TypedText | GivenFile


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Which trained network is meant: that of a run, as its checkpoints have it by now."""

    run: str
    checkpoint: Literal["best", "last"] = "best"


class Load(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get a network ready, so that the next question is answered at once."""

    id: int = 0
    network: Network


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say what a network takes a sample for."""

    id: int = 0
    network: Network
    sample: Sample


class Explain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say what each step of a sample adds to the score of a class.

    Attributes:
        target: number of the class; None: the likeliest.
    """

    id: int = 0
    network: Network
    sample: Sample
    target: int | None = None


class Loaded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A network is ready.

    Attributes:
        step: of its checkpoint.
        kind: what it takes.
    """

    id: int
    network: Network
    step: int
    kind: Kind
    classes: tuple[str, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A sample as the network got it, for the eye; what does not apply is empty.

    Attributes:
        text: as it was typed or stood in the file, and its `words`, one a token.
        left_out: characters of the text beyond the last token that the network takes.
        signal: time × channels before scaling; of a long one the furthest from zero of a few steps.
        steps: of the signal that the network got.
        rate: steps a second, where that is known; else 0.
        picture: height × width × 3, 0…255.
    """

    text: str = ""
    words: tuple[Word, ...] = ()
    left_out: int = 0
    signal: Array | None = None
    steps: int = 0
    rate: float = 0.0
    picture: Array | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a network takes a sample for.

    Attributes:
        targets: class numbers, likeliest first; `labels` and `probabilities` in the same order.
            Empty where the answer is no class.
        words: the answer in one line.
    """

    id: int
    step: int
    seen: Seen
    targets: tuple[int, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    words: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What carried the score of a class.

    Attributes:
        values: for a text, one number a word; for a series, as `Seen.signal`; for a picture,
            height × width. They add up to `score - baseline`, but for `error`.
        score: the network's raw output for the class.
        baseline: the same for a sample that says nothing.
        target: number of the class; `label` is its name.
    """

    id: int
    values: Array
    score: float
    baseline: float
    error: float
    target: int
    label: str


Request = Load | Ask | Explain
Reply = Loaded | Answered | Explained | Refused
