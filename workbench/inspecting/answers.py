"""What is asked of a trained network about a sample or its filters, and what comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

from workbench.inspecting.network import Array, Load, Loaded, Network, Progressed, Sample
from workbench.plugin_api.preprocessing import Word
from workbench.reading import Refused

ExplainMethod = Literal["grad-cam", "occlusion", "integrated-gradients"]


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say what a network takes a sample for.

    Attributes:
        asker: who wants to know; a later request of the same asker makes a waiting one void.
    """

    id: int = 0
    network: Network
    sample: Sample
    asker: str = ""


class Explain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say what each part of a sample adds to the score of a class.

    Attributes:
        target: number of the class; None: the likeliest.
        method: empty: Grad-CAM for pictures where a layer fits, else integrated gradients.
        layer: for Grad-CAM; empty: the last one before pooling.
        asker: as of `Ask`.
    """

    id: int = 0
    network: Network
    sample: Sample
    target: int | None = None
    method: ExplainMethod | Literal[""] = ""
    layer: str = ""
    asker: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make a snapshot of a sample inside the network, as training does while it goes on.

    Attributes:
        sample, layers, attention: as in workbench.runs.commands.Watch.
    """

    id: int = 0
    network: Network
    sample: int
    layers: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()


class ShowFilters(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Show what the filters of a convolution have learned.

    Attributes:
        weight: one of `Loaded.filters`.
        channel: of the input, where a filter has other than one or three.
    """

    id: int = 0
    network: Network
    weight: str
    channel: int = 0


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


class Tagged(msgspec.Struct, frozen=True, kw_only=True):
    """A step with its class.

    Attributes:
        word: what the step stands for; empty for a step of a series.
        is_outside: the class says that there is nothing ("O" of IOB tags).
    """

    word: str
    tag: str
    probability: float
    is_outside: bool = False


class Foretold(msgspec.Struct, frozen=True, kw_only=True):
    """What comes after the end of a series.

    Attributes:
        times, past_times: of the steps to come, and of those before.
        dated: times are seconds since 1970.
        values, past: steps × channels; low, high: the outermost quantiles, None for a point.
        truth: what came, where that is known.
    """

    channels: tuple[str, ...]
    times: tuple[float, ...]
    past_times: tuple[float, ...]
    dated: bool
    values: Array
    past: Array
    low: Array | None = None
    high: Array | None = None
    truth: Array | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What a network takes a sample for.

    Attributes:
        targets: class numbers, likeliest first; `labels` and `probabilities` in the same order.
            Empty where the answer is no class.
        words: the answer in one line.
        threshold: from which probability on a class holds, where several may; else 0.
        tags: of each step, where steps have classes.
        numbers: names with numbers in their own units, where those are told.
        forecast: of what is to come, where that is told.
        name: what a person knows a sample of the data by; else empty.
        truth: its class number; -1 where none is known.
    """

    id: int
    step: int
    seen: Seen
    targets: tuple[int, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    words: str = ""
    threshold: float = 0.0
    tags: tuple[Tagged, ...] = ()
    numbers: tuple[tuple[str, float], ...] = ()
    forecast: Foretold | None = None
    name: str = ""
    truth: int = -1


class Explained(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What carried the score of a class.

    Attributes:
        values: for a text, one number a word; for a series, as `Seen.signal`; for a picture,
            height × width, which may be fewer than its own.
        score: the network's raw output for the class.
        baseline: the same for a sample that says nothing. The values of integrated gradients, and
            only theirs, add up to `score - baseline`, but for `error`.
        target: number of the class; `label` is its name.
        layer: whose output Grad-CAM looked at.
    """

    id: int
    values: Array
    score: float
    baseline: float
    error: float
    target: int
    label: str
    method: ExplainMethod = "integrated-gradients"
    layer: str = ""


class Looked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A snapshot, as it would lie in a file; see workbench.runs.probes."""

    id: int
    content: bytes


class Filters(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The filters of a convolution.

    Attributes:
        values: filters × height × width × 1 or 3; the first ones of very many.
        total: filters there are.
        channels: of the input that each has.
    """

    id: int
    weight: str
    channel: int
    values: Array
    total: int
    channels: int


Request = Load | Ask | Explain | Look | ShowFilters
Reply = Loaded | Answered | Explained | Looked | Filters | Progressed | Refused
