"""What is asked about vectors of a network, laid out or compared, and what comes back."""

from __future__ import annotations

from typing import Literal

import msgspec

from workbench.inspecting.network import Array, Network, Progressed, Sample
from workbench.reading import Refused

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
