"""Imports a network: finds who can, checks what comes, makes an experiment of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.analysis.import_report import ImportReport
from workbench.document.experiment import Component, Experiment
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import ImportRequest, NotCoveredError
from workbench.worker.pretrained.beside import beside
from workbench.worker.pretrained.checking import check_parameters, difference, predictor, resolved
from workbench.worker.pretrained.finding import OpenArrays, described_by, request_of
from workbench.worker.pretrained.making import (
    kind_missed,
    made,
    preparation_in_words,
    prepared_for,
    with_data,
)
from workbench.worker.pretrained.transplanting import put_on
from workbench.worker.weights.opening import open_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.catalog import Catalog
    from workbench.document.graph import LoRA
    from workbench.plugin_api.importer import Form, Imported, Importer
    from workbench.plugin_api.network import Network


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants imported, and what is to be made of it.

    Attributes:
        source: name of an architecture, with or without "importer:" before it; or a file.
        architecture: for a file of weights alone, what it belongs to, by name or as another file of
            the same network; empty: it is guessed.
        published: name of published weights of an architecture; empty: random ones.
        classes: outputs that the head gets; 0 leaves it.
        freeze: "all-but-head", the name of the last layer that is frozen, or nothing.
        base: the experiment whose data and training settings are kept.
        lora: adapters that the body gets; None: none.
        form: "nodes", "block" or "auto", as an importer is asked.
        tokeniser: of a network for texts, or its folder; None: what lies beside the file.
        folder: where the starting weights are kept.
        has_data: whether the data of `base` were chosen; else sample data are, where the network
            takes others.
        beside: the network is added to that of `base`, without its Input and Output, as a group;
            its head, and how the data are prepared, stay as they are.
    """

    source: str
    architecture: str = ""
    published: str = ""
    classes: int = 0
    freeze: str = ""
    lora: LoRA | None = None
    form: Form = "auto"
    tokeniser: Path | None = None
    base: Experiment = field(default_factory=Experiment)
    folder: Path
    has_data: bool = True
    beside: bool = False


@dataclass(frozen=True)
class Taken:
    """An imported network, checked.

    Attributes:
        network: as it came, before its head was swapped.
    """

    imported: Imported
    network: Network
    experiment: Experiment
    report: ImportReport


def take(wish: Wish, catalog: Catalog, tell: Callable[[str], None] = lambda words: None) -> Taken:
    """Import a network and make an experiment of it; nothing is left behind where that fails.

    Raises:
        NotCoveredError: it does what no layer here does, or the layers do not give its outputs.
        UserError: there is no such network or file, or the file does not fit.
    """
    with request_of(wish, catalog, tell) as (importer, request, others):
        imported, network, error = read_checked(importer, request, catalog)
        beside_taken = request.arrays.beside if isinstance(request.arrays, OpenArrays) else ()
    wish = with_data(wish, imported, catalog)
    if request.file is not None and request.file == described_by(wish):
        tell("Finding the layers that the weights belong to")
        path = Path(wish.source).expanduser()
        with open_weights(path) as file:
            imported = put_on(imported, network, OpenArrays(file), path, catalog)
    tell("Keeping its weights")
    report = ImportReport(
        origin=imported.origin,
        layers=len(network.nodes),
        parameters=network.parameters,
        difference=error,
        matched=imported.matched,
        renamed=tuple(imported.renamed),
        skipped=(*imported.skipped, *beside_taken),
        changed=tuple(imported.changed),
        classes=imported.classes,
        others=tuple(guess.name for guess in others),
        whole=imported.whole,
        is_opaque=imported.is_opaque,
        fixed=imported.fixed,
    )
    kind = kind_missed(wish, imported, catalog)
    preparation = "" if kind else preparation_in_words(imported)
    if wish.beside:
        experiment = beside(wish.base, imported, wish.folder)
    else:
        experiment = made(wish, imported, catalog)
        experiment, report = prepared_for(wish, experiment, network, report, catalog)
    report = msgspec.structs.replace(report, preparation=preparation, warnings=kind)
    return Taken(imported, network, experiment, report)


def read_checked(
    importer: Importer, request: ImportRequest, catalog: Catalog
) -> tuple[Imported, Network, float]:
    """Import and compare; what layers do not compute as it was is kept as a block, if it may be.

    Returns:
        The network as it came, resolved, and the largest difference by the outputs' size.

    Raises:
        NotCoveredError: neither layers nor a block give its outputs.
        UserError: there is no such network, or its weights are not to be had.
    """
    imported = importer.read(request)
    request.tell("Comparing it with the original")
    try:
        return imported, *_compared(imported, catalog)
    except NotCoveredError as refusal:
        if request.form != "auto" or imported.whole:
            raise
        try:
            kept = importer.read(dataclasses.replace(request, form="block"))
        except NotCoveredError:
            raise refusal from None
        kept = dataclasses.replace(kept, whole=refusal.message.rstrip("."))
        return kept, *_compared(kept, catalog)


def _compared(imported: Imported, catalog: Catalog) -> tuple[Network, float]:
    network = resolved(imported, catalog)
    check_parameters(imported, network)
    try:
        return network, difference(imported, network, catalog)
    except UserError:
        raise
    except Exception as error:  # whatever a library's code raises for how it is called here
        raise NotCoveredError(f"It cannot be run here: {first_line(error).rstrip('.')}.") from error


def ask(taken: Taken, path: Path, catalog: Catalog, most: int = 5) -> list[tuple[str, float]]:
    """Return what the network as it came says of a picture: names and probabilities.

    Raises:
        UserError: its classes are not known, or the file cannot be read.
    """
    imported = taken.imported
    if imported.preprocessing is None or not imported.classes:
        raise UserError("This network did not come with the names of its classes.")
    preprocessing = catalog.preprocessing(imported.preprocessing)
    prepared = preprocessing.scale(preprocessing.shape(preprocessing.read_file(str(path))), {})
    outputs = predictor(taken.network, imported, catalog)(prepared[np.newaxis])
    task = catalog.task(Component("classification"))
    shares = task.probabilities(outputs, taken.network)[0]
    best = np.argsort(-shares, kind="stable")[:most]
    return [(imported.classes[i], float(shares[i])) for i in best]
