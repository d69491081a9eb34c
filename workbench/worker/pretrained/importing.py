"""Imports a network: finds who can, checks what comes, makes an experiment of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.analysis.adapting import adapters_in_words, add_adapters
from workbench.analysis.group_layout import arrange_groups
from workbench.analysis.import_report import ImportReport
from workbench.analysis.retraining import freeze_body, freeze_up_to, head_of, swap_head
from workbench.analysis.shapes import resolve
from workbench.analysis.stages import in_stages
from workbench.document.edits import move, set_data
from workbench.document.experiment import Component, Experiment
from workbench.document.groups import paths
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import ImportRequest, NotCoveredError
from workbench.worker.pretrained.beside import beside
from workbench.worker.pretrained.checking import check_parameters, difference, predictor, resolved
from workbench.worker.pretrained.keeping import keep, keep_assets, keep_weights
from workbench.worker.pretrained.transplanting import put_on
from workbench.worker.weights.opening import open_weights, refuse_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from workbench.analysis.weights import Stored
    from workbench.catalog import Catalog
    from workbench.document.graph import LoRA
    from workbench.plugin_api.data import Kind
    from workbench.plugin_api.importer import Form, Guess, Imported, Importer
    from workbench.plugin_api.network import Network
    from workbench.worker.weights.file import WeightsFile

ALL_BUT_HEAD = "all-but-head"


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


class _OpenArrays:
    """The arrays of an open file, as importers see them."""

    def __init__(self, file: WeightsFile) -> None:
        self._file = file
        self._stored: dict[str, Stored] = {
            item.name: item for item in file.stored if not item.numbers
        }

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name, in the order of the file."""
        return {name: item.shape for name, item in self._stored.items()}

    @property
    def is_ordered(self) -> bool:
        """Whether the file keeps the order of the code."""
        return self._file.order == "code"

    @property
    def beside(self) -> tuple[str, ...]:
        """What the report says of other weights in the file."""
        return tuple(f"“{name}”, other weights in the file" for name in self._file.beside)

    def read(self, name: str) -> NDArray[np.generic]:
        """Return one array."""
        return self._file.read(self._stored[name])


def take(wish: Wish, catalog: Catalog, tell: Callable[[str], None] = lambda words: None) -> Taken:
    """Import a network and make an experiment of it; nothing is left behind where that fails.

    Raises:
        NotCoveredError: it does what no layer here does, or the layers do not give its outputs.
        UserError: there is no such network or file, or the file does not fit.
    """
    with _request(wish, catalog, tell) as (importer, request, others):
        imported, network, error = read_checked(importer, request, catalog)
        beside_taken = request.arrays.beside if isinstance(request.arrays, _OpenArrays) else ()
    wish = _with_data(wish, imported, catalog)
    if request.file is not None and request.file == _described_by(wish):
        tell("Finding the layers that the weights belong to")
        path = Path(wish.source).expanduser()
        with open_weights(path) as file:
            imported = put_on(imported, network, _OpenArrays(file), path, catalog)
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
    kind = _kind_missed(wish, imported, catalog)
    preparation = "" if kind else _preparation(imported)
    if wish.beside:
        experiment = beside(wish.base, imported, wish.folder)
    else:
        experiment = _experiment(wish, imported, catalog)
        experiment, report = _prepared_for(wish, experiment, network, report, catalog)
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


@contextlib.contextmanager
def _request(
    wish: Wish, catalog: Catalog, tell: Callable[[str], None]
) -> Iterator[tuple[Importer, ImportRequest, list[Guess]]]:
    """Yield who imports it, what is asked, and what else a weights file would fit."""
    path = Path(wish.source).expanduser()
    importers = [kind() for kind in catalog.importers]
    is_named = any(wish.source.startswith(f"{each.id}:") for each in importers)
    if is_named or (not path.exists() and not _looks_like_path(wish.source)):
        importer, name = named(wish.source, importers, wish.published)
        _need(importer)
        yield (
            importer,
            ImportRequest(source=name, published=wish.published, form=wish.form, tell=tell),
            [],
        )
        return
    if not path.exists():
        raise UserError(f"{path} does not exist.", "It may have been moved or renamed.")
    refuse_stand_in(path)
    for importer in importers:
        if not wish.architecture and importer.opens(path):
            _need(importer)
            yield (
                importer,
                ImportRequest(file=path, form=wish.form, tokeniser=wish.tokeniser, tell=tell),
                [],
            )
            return
    if (network := _described_by(wish)) is not None:
        yield (
            _opening(network, importers),
            ImportRequest(file=network, form=wish.form, tell=tell),
            [],
        )
        return
    with open_weights(path) as file:
        arrays = _OpenArrays(file)
        others: list[Guess] = []
        if architecture := wish.architecture or _architecture_beside(path):
            importer, name = named(architecture, importers)
        else:
            tell("Looking for its architecture")
            first, *others = _guessed(path, arrays, importers)
            importer, name = catalog.importers[first.importer](), first.name
            others = [guess for guess in others if guess.rank == first.rank]
        _need(importer)
        request = ImportRequest(source=name, file=path, arrays=arrays, form=wish.form, tell=tell)
        yield importer, request, others


def _described_by(wish: Wish) -> Path | None:
    """Return the file that describes the network of a file of weights, if one is named."""
    path = Path(wish.architecture).expanduser()
    return path if wish.architecture and path.is_file() else None


def _architecture_beside(path: Path) -> str:
    """Return the architecture that timm's config.json names in a folder of weights."""
    folder = path if path.is_dir() else path.parent
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architecture"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"timm:{found}" if isinstance(found, str) else ""


def _opening(path: Path, importers: list[Importer]) -> Importer:
    """Return the importer that reads a whole network from a file."""
    for importer in importers:
        if importer.opens(path):
            _need(importer)
            return importer
    raise UserError(
        f"{path.name} does not describe a network.",
        "Choose one as .onnx, .pt2, TorchScript or .keras, or name an architecture.",
    )


def named(source: str, importers: list[Importer], published: str = "") -> tuple[Importer, str]:
    """Return the importer that knows an architecture, and its name there.

    Args:
        published: name of weights; of several that know the architecture, one that has them.

    Raises:
        UserError: nobody knows it.
    """
    prefix, _, rest = source.rpartition(":")
    chosen = [each for each in importers if not prefix or each.id == prefix]
    if prefix and not chosen:
        known = ", ".join(each.id for each in importers if each.architectures())
        raise UserError(f"There is no collection called “{prefix}”.", f"There are: {known}.")
    knowing = [
        (importer, each)
        for importer in chosen
        for each in importer.architectures()
        if each.name == rest
    ]
    for importer, each in knowing:
        if any(weights.name == published for weights in each.weights):
            return importer, rest
    if knowing:
        return knowing[0][0], rest
    refusal = UserError(
        f"No network is called “{rest}”, and no file either.",
        "`workbench models list` names those that can be imported.",
    )
    for importer in chosen:
        try:
            importer.architecture(rest)
        except NotCoveredError:
            raise
        except UserError as error:
            refusal = error if "Did you mean" in error.hint else refusal
        else:
            return importer, rest
    raise refusal


def _guessed(path: Path, arrays: _OpenArrays, importers: list[Importer]) -> list[Guess]:
    found = [guess for importer in importers for guess in importer.guesses(arrays)]
    here = {importer.id for importer in importers if importer.availability().ok}
    found = [guess for guess in found if guess.importer in here] or found
    if not found:
        raise UserError(
            f"{path.name} holds {len(arrays.shapes)} weights without their network, and they fit "
            "no architecture that is known here.",
            "Name the architecture, choose another file of the same network (.onnx, .pt2) as the "
            "architecture, or draw the network and use “Load weights”.",
        )
    return sorted(found, key=lambda guess: guess.rank)


def _need(importer: Importer) -> None:
    found = importer.availability()
    if not found.ok:
        raise UserError(found.reason, f"Install it: {found.install}" if found.install else "")


def _looks_like_path(source: str) -> bool:
    """Say whether a person means a file; “owner/name” is a network of a hub, too."""
    path = Path(source)
    if source.startswith((".", "/", "~")) or path.suffix.lower() in _SUFFIXES or "\\" in source:
        return True
    return len(path.parts) > 2 or (len(path.parts) == 2 and path.parent.exists())


_SUFFIXES = (
    ".pt",
    ".pth",
    ".safetensors",
    ".ckpt",
    ".h5",
    ".hdf5",
    ".keras",
    ".onnx",
    ".pt2",
    ".jit",
)


def _experiment(wish: Wish, imported: Imported, catalog: Catalog) -> Experiment:
    """Return an experiment of the imported network on the data of the one before."""
    graph = in_stages(imported.graph)
    experiment = msgspec.structs.replace(
        wish.base,
        name=imported.name,
        graph=graph,
        folded=paths(graph),
        start=keep_weights(imported.name, imported.weights, wish.folder),
        assets=keep_assets(imported.assets, wish.folder),
    )
    if imported.preprocessing is None:
        return experiment
    kind = catalog.preprocessing(imported.preprocessing).kind
    if catalog.source(experiment.data.source).kind != kind:
        return experiment
    return set_data(experiment, preprocessing=_with_files(imported, wish.folder))


def _kind_wanted(imported: Imported, catalog: Catalog) -> Kind | None:
    """Return the kind of data that a network takes; None where that is not known."""
    if imported.vocabulary:
        return "texts"
    if imported.preprocessing is None:
        return None
    return catalog.preprocessing(imported.preprocessing).kind


def _with_data(wish: Wish, imported: Imported, catalog: Catalog) -> Wish:
    """Choose sample data where none were chosen and the network takes others than there are."""
    wanted = _kind_wanted(imported, catalog)
    if wish.has_data or wanted in (None, catalog.source(wish.base.data.source).kind):
        return wish
    samples = [each for each in catalog.sources if each.kind == wanted and not each.parameters()]
    if not samples:
        return wish
    base = set_data(wish.base, source=Component(samples[0].id))
    return dataclasses.replace(wish, base=base)


def _kind_missed(wish: Wish, imported: Imported, catalog: Catalog) -> tuple[str, ...]:
    """Return a warning where the data at hand are not what the network takes."""
    data, wanted = catalog.source(wish.base.data.source).kind, _kind_wanted(imported, catalog)
    if wanted in (None, data):
        return ()
    return (
        f"The data are {data}, but this network takes {wanted}: choose {wanted} in the data "
        "settings and import it again, so that they are prepared as it was trained.",
    )


def _with_files(imported: Imported, folder: Path) -> Component:
    """Return the preparation with the files that it reads where they are kept."""
    preparation = imported.preprocessing
    assert preparation is not None
    kept = {
        name: str(keep(content, folder, Path(name).suffix)[0])
        for name, content in imported.files.items()
    }
    params = {
        key: kept.get(value, value) if isinstance(value, str) else value
        for key, value in preparation.params.items()
    }
    return msgspec.structs.replace(preparation, params=params)


def _prepared_for(
    wish: Wish, experiment: Experiment, network: Network, report: ImportReport, catalog: Catalog
) -> tuple[Experiment, ImportReport]:
    """Give the network the head, the frozen layers and the adapters that were asked for."""
    head = head_of(network)
    if wish.classes:
        before = experiment
        experiment = swap_head(experiment, network, wish.classes, is_body=True)
        if head is None:
            words = f"A head of {wish.classes} outputs was added; it starts anew."
            report = msgspec.structs.replace(report, head=words)
        elif experiment is not before:
            words = _head_words(head.id, wish.classes, head.output.shape[-1])
            report = msgspec.structs.replace(report, head=words)
        network = resolve(experiment.graph, catalog, network.inputs[0].output).network
    if wish.freeze == ALL_BUT_HEAD:
        experiment = freeze_body(experiment, network)
    elif wish.freeze:
        experiment = freeze_up_to(experiment, network, wish.freeze)
    if wish.lora is not None:
        experiment = add_adapters(experiment, network, wish.lora)
        network = resolve(experiment.graph, catalog, network.inputs[0].output).network
        report = msgspec.structs.replace(report, adapters=adapters_in_words(network))
    frozen = tuple(node.id for node in experiment.graph.nodes if not node.trainable)
    experiment = move(experiment, arrange_groups(experiment.graph, experiment.folded))
    return experiment, msgspec.structs.replace(report, frozen=frozen)


def _head_words(head: str, classes: int, before: int | None) -> str:
    if classes == before:
        return f"The head, {head}, has {classes} outputs already and keeps its weights."
    return f"The head, {head}, gives {classes} outputs instead of {before} and starts anew."


def _preparation(imported: Imported) -> str:
    if imported.preprocessing is None:
        return ""
    params = imported.preprocessing.params
    if imported.files:
        return f"its own tokeniser, cut after {params['longest']} tokens"
    words = [f"{params['height']} × {params['width']}"] if "height" in params else []
    if params.get("resize") == "crop":
        words.append(f"the middle {100 * params.get('crop_share', 1):g} %")
    words.append(str(params.get("interpolation", "bilinear")))
    channels = {"grayscale": "grey", "rgb": "colour"}
    words.append(channels.get(params.get("channels", ""), "as stored"))
    if params.get("colour_order") == "bgr":
        words.append("blue first")
    mean, deviation = _numbers(params.get("mean")), _numbers(params.get("deviation"))
    scaling = {
        "imagenet": "mean and deviation of ImageNet",
        "minus_one_one": "values −1 … 1",
        "zero_one": "values 0 … 1",
        "none": "values 0 … 255",
        "given": f"mean {mean}, deviation {deviation}",
    }
    words.append(scaling[params.get("scaling", "zero_one")])
    return ", ".join(words)


def _numbers(values: object) -> str:
    found = values if isinstance(values, list | tuple) else ()
    return "/".join(f"{value:.3g}" for value in found)


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
