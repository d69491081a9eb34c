"""Makes an experiment of a network that was imported: data, head, what is frozen, adapters."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.analysis.adapting import adapters_in_words, add_adapters
from workbench.analysis.group_layout import arrange_groups
from workbench.analysis.retraining import freeze_body, freeze_up_to, head_of, swap_head
from workbench.analysis.shapes import resolve
from workbench.analysis.stages import in_stages
from workbench.document.edits import move, set_data
from workbench.document.experiment import Component, Experiment
from workbench.document.groups import paths
from workbench.worker.pretrained.keeping import keep, keep_assets, keep_weights

if TYPE_CHECKING:
    from workbench.analysis.import_report import ImportReport
    from workbench.catalog import Catalog
    from workbench.plugin_api.data import Kind
    from workbench.plugin_api.importer import Imported
    from workbench.plugin_api.network import Network
    from workbench.worker.pretrained.importing import Wish

ALL_BUT_HEAD = "all-but-head"


def made(wish: Wish, imported: Imported, catalog: Catalog) -> Experiment:
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
        return _with_own_words(experiment, imported, catalog)
    kind = catalog.preprocessing(imported.preprocessing).kind
    if catalog.source(experiment.data.source).kind != kind:
        return experiment
    return set_data(experiment, preprocessing=_with_files(imported, wish.folder))


def _with_own_words(experiment: Experiment, imported: Imported, catalog: Catalog) -> Experiment:
    """Number the words of the data anew where a network came without its tokeniser."""
    data = experiment.data
    is_ready = catalog.preprocessing(data.preprocessing).kind == "texts"
    if not imported.vocabulary or is_ready or catalog.source(data.source).kind != "texts":
        return experiment
    params: dict[str, Any] = {"vocabulary_size": imported.vocabulary}
    if (steps := imported.input_shape[0]) is not None:
        params["length"] = steps
    return set_data(experiment, preprocessing=Component("text", params))


def _kind_wanted(imported: Imported, catalog: Catalog) -> Kind | None:
    """Return the kind of data that a network takes; None where that is not known."""
    if imported.vocabulary:
        return "texts"
    if imported.preprocessing is None:
        return None
    return catalog.preprocessing(imported.preprocessing).kind


def with_data(wish: Wish, imported: Imported, catalog: Catalog) -> Wish:
    """Choose sample data where none were chosen and the network takes others than there are."""
    wanted = _kind_wanted(imported, catalog)
    if wish.has_data or wanted in (None, catalog.source(wish.base.data.source).kind):
        return wish
    samples = [each for each in catalog.sources if each.kind == wanted and not each.parameters()]
    if not samples:
        return wish
    base = set_data(wish.base, source=Component(samples[0].id))
    return dataclasses.replace(wish, base=base)


def kind_missed(wish: Wish, imported: Imported, catalog: Catalog) -> tuple[str, ...]:
    """Return a warning where the data at hand are not what the network takes."""
    data, wanted = catalog.source(wish.base.data.source).kind, _kind_wanted(imported, catalog)
    if wanted in (None, data):
        return _words_missed(imported)
    return (
        f"The data are {data}, but this network takes {wanted}: choose {wanted} in the data "
        "settings and import it again, so that they are prepared as it was trained.",
    )


def _words_missed(imported: Imported) -> tuple[str, ...]:
    if not imported.vocabulary or imported.preprocessing is not None:
        return ()
    return (
        "Its file does not say which token stands for which word. The words of your texts are "
        "numbered anew, so that what it learned of them fits once it is trained again.",
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


def prepared_for(
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


def preparation_in_words(imported: Imported) -> str:
    """Return how samples are prepared for a network; empty where nothing is known."""
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
