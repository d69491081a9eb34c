"""The contract of an importer: a network made elsewhere in, ordinary layers and weights out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import msgspec

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.document.experiment import Component
    from workbench.document.graph import Graph
    from workbench.plugin_api.backend import Availability


Form = Literal["auto", "nodes", "block"]


class NotCoveredError(UserError):
    """A network computes something that no layer here does; the message names it."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """Weights that somebody has trained and published for an architecture.

    Attributes:
        name: of the weights, such as "IMAGENET1K_V1".
        accuracy: share of right answers on ImageNet-1k's validation pictures, in percent, as
            published; None where nothing was.
        licence: as published; empty where nothing was said.
        size: bytes to download; 0 where that is not known.
        file: what the library's cache calls them.
        is_here: whether they lie in that cache on this computer.
    """

    name: str
    accuracy: float | None = None
    licence: str = ""
    size: int = 0
    file: str = ""
    is_here: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """What a person should know of them, in a few words each."""
        megabytes = self.size / 1e6
        found = (
            f"{self.accuracy:.1f} % of ImageNet right" if self.accuracy else "",
            f"{megabytes:.{1 if megabytes < 10 else 0}f} MB" if self.size else "",
            f"licence {self.licence}" if self.licence else "licence not stated",
            "on this computer" if self.is_here else "would be downloaded",
        )
        return tuple(words for words in found if words)


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A network that an importer can build by name.

    Attributes:
        importer: id of the importer.
        name: unique in it.
        family: what it is a variant of; empty where that is not known.
        input: height, width and channels it was made for; zeros for texts.
        parameters: numbers that training can change; 0 where they were not counted.
        classes: number of its outputs as published.
        weights: published ones, the library's own choice first.
        covered: whether it turns into layers of the catalogue; None where that was not tried.
        is_block: whether it can be kept as a block where it does not.
        reason: why it does not.
        adaptable: whether LoRA adapters can change a matrix before its head; None where that is
            not known.
    """

    importer: str
    name: str
    family: str = ""
    input: tuple[int, int, int] = (224, 224, 3)
    parameters: int = 0
    classes: int = 1000
    weights: tuple[Published, ...] = ()
    covered: bool | None = None
    is_block: bool = False
    reason: str = ""
    adaptable: bool | None = None

    @property
    def takes(self) -> str:
        """The size of the pictures that it was made for, or that it takes texts."""
        return " × ".join(map(str, self.input)) if all(self.input) else "texts"

    @property
    def is_possible(self) -> bool:
        """Whether it can be imported, as layers or as a block, or that was not tried."""
        return self.covered is not False or self.is_block


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture that the arrays of a weights file may belong to, and what speaks for it.

    Attributes:
        rank: 0: the same names; 1: the same shapes in the same order; 2: the same shapes in
            another order; 3: all but the head has the same shapes.
    """

    importer: str
    name: str
    rank: int

    def in_words(self) -> str:
        """Return the name, and what agrees."""
        return f"{self.name} ({('names', 'shapes in order', 'shapes', 'body')[self.rank]})"


class Arrays(Protocol):
    """An open weights file."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by the names in the file, in its order; a prefix that all share is left out."""
        ...

    @property
    def is_ordered(self) -> bool:
        """Whether that is the order in which the network's code makes them."""
        ...

    def read(self, name: str) -> NDArray[Any]:
        """Return one array; raises UserError where the file is damaged."""
        ...


@dataclass(frozen=True)
class ImportRequest:
    """What to import.

    Attributes:
        source: name of an architecture; empty where a file holds the whole network.
        published: name of published weights; empty: those of `arrays`, or random ones.
        file: a file that holds a network, or the weights for `source`.
        arrays: the weights in `file`, where it holds weights alone.
        form: "nodes": layers of the catalogue or nothing; "block": one layer that keeps the
            original modules; "auto": nodes where the network can be, else a block.
        tokeniser: that of texts, or the folder where it lies; None: what lies beside the file.
        tell: takes a few words on what is being done.
    """

    source: str = ""
    published: str = ""
    file: Path | None = None
    arrays: Arrays | None = None
    form: Form = "auto"
    tokeniser: Path | None = None
    tell: Callable[[str], None] = lambda words: None


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A network as layers, with what is needed to judge it.

    Attributes:
        name: what the experiment is called.
        origin: where network and weights come from, in words.
        graph: nodes from one Input to Outputs; positions do not matter.
        weights: canonical weights by "node/name", all of them.
        input_shape: canonical shape of one sample that `original` takes; None where it varies.
        original: canonical inputs (batch × …) to the outputs of the network as it came, float32:
            one array, or one for each Output in the graph's order.
        padded: like `original`, of samples of which only the first so many steps are real: takes
            them and those numbers; None where that cannot be asked.
        padding: the token that fills samples up, which is never part of one; -1: none.
        rounding: canonical inputs to how far, in the outputs, rounding takes the network as it came
            from what it would give in double precision; None: that cannot be had.
        parameters: of the network as it came, without what plays no part in its outputs.
        tolerance: largest difference of an output, by the size of the outputs, that rounding may
            make; larger where another program computes the original.
        preprocessing: how samples were prepared for it; None where nothing is known.
        classes: names of its outputs in order; empty where they are not known.
        matched: weights that were taken over.
        renamed: (name there, name here) where a file calls them otherwise.
        whole: why it is kept as one block; empty where its layers can be edited one by one.
        is_opaque: whether what the modules of a block give cannot be seen.
        fixed: numbers inside a block that never changes; 0 where there is none.
        assets: content of the files that the code of its layers reads, by name, with
            `Path(__file__).parent / "assets"`; see `Experiment.assets`.
        files: content of the files that `preprocessing` reads, by what its setting says for each.
        vocabulary: number of tokens where its input is tokens; 0: it takes numbers.
        skipped: what was left out, in words.
        changed: what is not as it was, in words.
    """

    name: str
    origin: str
    graph: Graph
    weights: Mapping[str, NDArray[np.float32]]
    input_shape: tuple[int | None, ...]
    original: Callable[[NDArray[Any]], NDArray[np.float32] | Sequence[NDArray[np.float32]]]
    parameters: int
    padded: (
        Callable[[NDArray[Any], Sequence[int]], NDArray[np.float32] | Sequence[NDArray[np.float32]]]
        | None
    ) = None
    padding: int = -1
    rounding: Callable[[NDArray[Any]], float] | None = None
    tolerance: float = 1e-5
    preprocessing: Component | None = None
    classes: tuple[str, ...] = ()
    matched: int = 0
    renamed: Sequence[tuple[str, str]] = ()
    whole: str = ""
    is_opaque: bool = False
    fixed: int = 0
    assets: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    vocabulary: int = 0
    skipped: Sequence[str] = field(default_factory=tuple)
    changed: Sequence[str] = field(default_factory=tuple)


class Importer(ABC):
    """A place that networks come from: a library of architectures, or a kind of file.

    Everything here is called in a worker or a helper process, never in the window. Nothing is
    unpickled and no code of a file is run. Nothing is downloaded unless `published` names weights
    that are not here, and then by the library's own loader.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Of files that hold a whole network; empty for a library of architectures."""

    @abstractmethod
    def availability(self) -> Availability:
        """Say whether what it needs is installed, without importing it."""

    def architectures(self) -> Sequence[Architecture]:
        """Return what it can build by name; may import the library."""
        return ()

    def architecture(self, name: str) -> Architecture:
        """Return one of them with its parameters counted; raises UserError for an unknown one."""
        raise UserError(f"{self.title} has no networks by name.", "Name a file.")

    def opens(self, path: Path) -> bool:
        """Say whether a file holds a whole network that this importer reads."""
        return False

    def guesses(self, arrays: Arrays) -> Sequence[Guess]:
        """Return architectures that a weights file may belong to, likeliest first."""
        return ()

    @abstractmethod
    def read(self, request: ImportRequest) -> Imported:
        """Build the network, fill it, and turn it into layers of the catalogue.

        Raises:
            NotCoveredError: it computes something that no layer here does.
            UserError: there is no such network, the file does not fit or cannot be used, or
                weights are neither here nor to be had.
        """
