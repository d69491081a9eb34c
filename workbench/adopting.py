"""What the process that imports networks for the window is asked, and what it answers."""

from __future__ import annotations

import msgspec

from workbench.analysis.import_report import ImportReport
from workbench.document.experiment import Experiment
from workbench.document.graph import LoRA
from workbench.plugin_api.importer import Architecture
from workbench.reading import Refused


class ListModels(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say which networks can be imported by name."""

    id: int = 0


class ImportModel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Import a network; `Importing` tells how far it is, `ModelImported` or `Refused` ends it.

    Attributes:
        source: "importer:name", or a file's path.
        architecture: "importer:name" that a file of weights belongs to; empty: it is guessed.
        published: name of published weights; empty: random ones.
        classes: outputs that the head gets; 0 leaves it.
        freeze: "all-but-head" or nothing.
        lora: adapters that the body gets; None: none.
        base: the experiment whose data and training settings are kept.
        folder: where its weights are kept; made if it is not there.
        beside: it is added to the layers of `base`, as a group, instead of taking their place.
    """

    id: int = 0
    source: str
    architecture: str = ""
    published: str = ""
    classes: int = 0
    freeze: str = ""
    lora: LoRA | None = None
    base: Experiment
    folder: str
    beside: bool = False


class ModelsListed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The networks that can be imported by name.

    Attributes:
        missing: by importer, that what it needs is not installed, and how to install it.
    """

    id: int
    models: tuple[Architecture, ...]
    missing: dict[str, str] = {}


class Importing(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an import is doing; more will follow."""

    id: int
    words: str


class ModelImported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The network as an experiment, and what became of it."""

    id: int
    experiment: Experiment
    report: ImportReport


Request = ListModels | ImportModel
Reply = ModelsListed | Importing | ModelImported | Refused
