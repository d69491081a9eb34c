"""Which trained network and which sample are meant; what all that look inside share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from workbench.plugin_api.data import Kind, SplitName

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


class DataSample(msgspec.Struct, frozen=True, tag=True):
    """A sample of the data that the network was trained on."""

    split: SplitName
    index: int


Sample = TypedText | GivenFile | DataSample


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Which trained network is meant: that of a run, as its checkpoints have it by now."""

    run: str
    checkpoint: Literal["best", "last"] = "best"


class Load(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Get a network ready, so that the next question is answered at once."""

    id: int = 0
    network: Network


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


class Progressed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How far some work is, 0 to 1; negative where that is not known."""

    id: int
    share: float
    doing: str
