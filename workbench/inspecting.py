"""What the window asks the processes that look inside a trained network, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from workbench.plugin_api.data import Kind, SplitName
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


FOR, AGAINST = ((214, 84, 30), (255, 214, 90)), ((31, 102, 214), (130, 214, 255))
"""Colours of what speaks a little and much for a class, and against it."""


def heat(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return what an explanation lays over a picture: rows × columns × RGBA, not premultiplied.

    What says nothing is transparent; the largest value, for or against, is opaque.
    """
    finite = np.nan_to_num(np.asarray(values, np.float64))
    most = np.abs(finite).max(initial=0.0) or 1.0
    share = np.abs(finite)[..., None] / most
    colours = np.where(finite[..., None] > 0, *(_ramp(share, pair) for pair in (FOR, AGAINST)))
    found: NDArray[np.uint8] = np.rint(np.concatenate([colours, 255 * share], -1)).astype(np.uint8)
    return found


def _ramp(
    share: NDArray[np.float64], pair: tuple[tuple[int, ...], tuple[int, ...]]
) -> NDArray[np.float64]:
    little, much = (np.array(colour, np.float64) for colour in pair)
    mixed: NDArray[np.float64] = little + (much - little) * share
    return mixed


class TypedText(msgspec.Struct, frozen=True, tag=True):
    """A sample that a person typed."""

    text: str


class GivenFile(msgspec.Struct, frozen=True, tag=True):
    """A sample in a file of a person's own."""

    path: str


class DataSample(msgspec.Struct, frozen=True, tag=True):
    """A sample of the data that the network was trained on."""

    split: SplitName
    index: int


Sample = TypedText | GivenFile | DataSample
ExplainMethod = Literal["grad-cam", "occlusion", "integrated-gradients"]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Which trained network is meant: that of a run, as its checkpoints have it by now."""

    run: str
    checkpoint: Literal["best", "last"] = "best"


class Load(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get a network ready, so that the next question is answered at once."""

    id: int = 0
    network: Network


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


class Looked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A snapshot, as it would lie in a file; see workbench.runs.probes."""

    id: int
    content: bytes


class Loaded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A network is ready.

    Attributes:
        step: of its checkpoint.
        kind: what it takes.
        layers: those that Grad-CAM can look at, in order.
        layer: that it looks at unless it is told otherwise.
        counts: samples of its data, by split.
        filters: names of the weights that are filters over places, in order.
    """

    id: int
    network: Network
    step: int
    kind: Kind
    classes: tuple[str, ...]
    layers: tuple[str, ...] = ()
    layer: str = ""
    counts: dict[str, int] = {}
    filters: tuple[str, ...] = ()


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


Method = Literal["pca", "tsne", "umap"]


class Project(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Lay vectors out in a plane so that alike ones lie together.

    Attributes:
        node: whose vectors; those of its table of tokens, or its outputs for the validation
            samples, each the mean over time or place.
        tokens: take the table.
        most: vectors at most, the first ones.
    """

    id: int = 0
    network: Network
    node: str
    tokens: bool
    method: Method = "pca"
    most: int = 10_000
    seed: int = 0


class FindNeighbours(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say which of the vectors last projected are most alike to one of them."""

    id: int = 0
    index: int
    count: int = 12


class FindSimilar(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say which training samples are most alike to a sample in what a layer makes of them.

    Attributes:
        node: whose outputs are compared, each the mean over time or place.
        count: samples wanted at most; the sample itself is left out.
    """

    id: int = 0
    network: Network
    sample: Sample
    node: str
    count: int = 12


class Progressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How far some work is, 0 to 1; negative where that is not known."""

    id: int
    share: float
    doing: str


class Projected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where vectors lie.

    Attributes:
        points: vectors × 2.
        labels: what each stands for.
        targets: class of each sample; empty for tokens and where there are no classes.
        kept: share of the variance in the plane, of PCA; else 0.
        total: vectors there are; points may be fewer.
    """

    id: int
    points: Array
    labels: tuple[str, ...]
    targets: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    kept: float = 0.0
    total: int = 0


class Neighbours(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Vectors most alike to one, by cosine, the nearest first."""

    id: int
    index: int
    indices: tuple[int, ...]
    similarities: tuple[float, ...]


class Similar(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Training samples most alike to one, the nearest first.

    Attributes:
        indices: numbers in the training split.
        distances: 1 less the cosine, 0 … 2.
        targets: class numbers; empty where there are none.
        total: samples that were compared.
    """

    id: int
    node: str
    indices: tuple[int, ...]
    distances: tuple[float, ...]
    names: tuple[str, ...]
    targets: tuple[int, ...]
    total: int


ProjectionRequest = Project | FindNeighbours | FindSimilar
ProjectionReply = Progressed | Projected | Neighbours | Similar | Refused
Request = Load | Ask | Explain | Look | ShowFilters
Reply = Loaded | Answered | Explained | Looked | Filters | Progressed | Refused


class Write(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Begin to continue a text, and write the first tokens; `GoOn` asks for the next ones.

    Attributes:
        top_k: 0 draws among all tokens.
        tokens: to write at most in all.
    """

    id: int = 0
    network: Network
    prompt: str
    tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int


class GoOn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write some more of the text that was begun last."""

    id: int = 0


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was written.

    Attributes:
        text: what it adds; empty while a character is not complete.
        alternatives: the likeliest tokens here with their probabilities.
    """

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]


class Wrote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Some tokens more; asking in parts lets a person stop at once.

    Attributes:
        is_done: as many as were asked for are written.
        rate: tokens a second since the beginning, without pauses.
    """

    id: int
    tokens: tuple[Token, ...]
    is_done: bool
    rate: float


WritingRequest = Load | Write | GoOn
WritingReply = Loaded | Wrote | Refused
