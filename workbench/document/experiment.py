"""The experiment: everything that is trained, as one frozen value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from workbench.document.graph import Graph
from workbench.document.training import Training

if TYPE_CHECKING:
    from collections.abc import Iterable


class Component(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plug-in by id with its settings: a source, a preprocessing, an augmentation or a task.

    Attributes:
        type: id of the plug-in.
        params: settings that differ from its defaults.
    """

    type: str
    params: dict[str, Any] = {}


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How samples are divided when the data bring no division of their own.

    Classes keep their shares (stratified); the same seed gives the same division.
    """

    validation: Annotated[float, Meta(ge=0, lt=1, title="Validation share")] = 0.15
    test: Annotated[float, Meta(ge=0, lt=1, title="Test share")] = 0.15
    seed: Annotated[int, Meta(ge=0, title="Split seed")] = 0


class Data(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is learned from, and how a sample is prepared.

    Attributes:
        corrections: what a person says of single samples against what the source says: by
            `Source.sample_id` the class, or what else its target is as `read_target` reads it, or
            None for a sample to leave out.
    """

    source: Component = Component("digits")
    split: Split = Split()
    preprocessing: Component = Component("image")
    augmentation: Component | None = None
    corrections: dict[str, str | None] = {}


class StartingWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights that training begins with, instead of those drawn from the seed.

    Attributes:
        name: of the file they were loaded from, as a person knows it.
        file: a safetensors file of canonical weights "node/name"; each run keeps a copy.
        sha256: of that file's content.
        names: what the file calls layers that were renamed since, by the name they have now; an
            empty one for a copy of a layer, which starts from the seed.
    """

    name: str
    file: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    names: dict[str, str] = {}

    def renamed(self, old: str, new: str) -> StartingWeights:
        """Return the same weights, which a layer finds under its new name, too."""
        names = {node: name for node, name in self.names.items() if node not in (old, new)}
        theirs = self.names.get(old, old)
        if theirs != new:
            names[new] = theirs
        return msgspec.structs.replace(self, names=names)

    def without(self, nodes: Iterable[str]) -> StartingWeights:
        """Return the same weights, of which layers take none."""
        return msgspec.structs.replace(self, names={**self.names, **dict.fromkeys(nodes, "")})


class Asset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that the network cannot run without, besides its weights: a program made elsewhere.

    Attributes:
        name: what the generated module calls it, in the folder `assets` beside it.
        file: where it lies; each run keeps a copy.
        sha256: of its content.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    file: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One frozen document: network, data, task and training settings.

    Attributes:
        seed: of initial weights, batch order and augmentation.
        start: weights to begin with; those it lacks are drawn from the seed.
        assets: files that the generated module reads, from the folder `assets` beside it.
        folded: groups of layers that are shown as one node; how it is looked at, no setting.
        notes: the user's own words.
    """

    name: str = "Untitled"
    graph: Graph = Graph()
    data: Data = Data()
    task: Component = Component("classification")
    training: Training = Training()
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    start: StartingWeights | None = None
    folded: tuple[str, ...] = ()
    assets: tuple[Asset, ...] = ()
    notes: str = ""
