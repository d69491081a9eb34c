"""Everything that stands between an experiment and a good training run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from workbench.analysis.lengths import length_problems
from workbench.analysis.shapes import Resolution, resolve
from workbench.analysis.training_problems import fine_tuning_problems, training_problems
from workbench.analysis.tuning_problems import tuning_problems
from workbench.document.edits import add_node, remove_nodes, replace, set_data, set_parameter
from workbench.document.experiment import Component, Split
from workbench.document.graph import Graph, Node
from workbench.errors import UserError
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Task


@dataclass(frozen=True)
class Report:
    """A checked experiment."""

    resolution: Resolution
    problems: tuple[Problem, ...]

    @property
    def network(self) -> Network:
        """The part of the graph that could be resolved."""
        return self.resolution.network

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that keep training from starting."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check(
    experiment: Experiment,
    catalog: Catalog,
    info: DataInfo | None = None,
    *,
    is_reading: bool = False,
) -> Report:
    """Check an experiment against its data, if they are known, its task and its backend.

    Pure Python and fast enough to run at every key stroke; never raises for a bad document.

    Args:
        is_reading: the data are just being looked at, so that not to know them is no problem.
    """
    waits = is_reading and info is None
    resolution = resolve(
        experiment.graph, catalog, info.input if info else None, experiment.name, waits=waits
    )
    problems = list(resolution.problems)
    problems += _structure(experiment, resolution)
    if waits and not problems:
        return Report(resolution, (Problem("warning", "The data are still being read."),))
    if not any(problem.severity == "error" for problem in problems):
        problems += _fit(experiment, catalog, resolution.network, info)
    problems += _settings(experiment)
    problems += training_problems(experiment.training, resolution.network, info)
    problems += fine_tuning_problems(experiment, resolution.network)
    if info is not None:
        problems += (Problem("warning", text) for text in info.warnings)
    problems.sort(key=lambda problem: problem.severity)
    return Report(resolution, tuple(problems))


def _structure(experiment: Experiment, resolution: Resolution) -> Iterator[Problem]:
    graph = experiment.graph
    if not graph.nodes:
        yield Problem(
            "error",
            "The network has no layers yet.",
            "Drag an Input from the palette onto the canvas, or open an example.",
        )
        return
    by_type: dict[str, list[Node]] = {}
    for node in graph.nodes:
        by_type.setdefault(node.type, []).append(node)
    if "Input" not in by_type:
        yield Problem("error", "The network has no Input.", "Add an Input layer at its start.")
    for extra in by_type.get("Input", [])[1:]:
        yield Problem(
            "error",
            "This data source feeds one Input, but the network has several.",
            "Remove all but one.",
            extra.id,
        )
    if "Output" not in by_type:
        yield _no_output(experiment)
    for extra in by_type.get("Output", [])[1:]:
        yield Problem(
            "error",
            "This task trains one Output, but the network has several.",
            "Remove all but one.",
            extra.id,
        )
    if by_type.get("Output"):
        used = set().union(*(graph.upstream(node.id) for node in by_type["Output"]))
        for piece in graph.pieces(node.id for node in graph.nodes if node.id not in used):
            yield _loose(piece)


def _loose(piece: tuple[str, ...]) -> Problem:
    first, more = piece[0], len(piece) - 1
    if more:
        which = f"{first} and {more} {'layers' if more > 1 else 'layer'} connected with it do"
        told = f"{which} not lead to an Output, so they are not trained."
    else:
        told = f"{first} does not lead to an Output, so it is not trained."
    them = "them" if more else "it"
    return Problem(
        "warning",
        told,
        f"Connect {them}, or remove {them}.",
        first,
        Repair(f"Remove {them}", partial(remove_nodes, ids=piece)),
    )


def _no_output(experiment: Experiment) -> Problem:
    graph = experiment.graph
    ends = [n for n in graph.nodes if not graph.successors[n.id] and n.type != "Input"]
    repair = None
    if len(ends) == 1:
        last = ends[0]
        node = Node(
            graph.unused_id("output"),
            "Output",
            inputs=(last.id,),
            position=(last.position[0], last.position[1] + 80),
        )
        repair = Repair(f"Add an Output after {last.id}", lambda e: add_node(e, node))
    return Problem(
        "error", "The network has no Output.", "Add an Output layer at its end.", "", repair
    )


def _fit(
    experiment: Experiment, catalog: Catalog, network: Network, info: DataInfo | None
) -> Iterator[Problem]:
    data = experiment.data
    found: list[Problem] = []
    for ask in (
        lambda: found.extend(catalog.task(experiment.task).problems(experiment, network, info)),
        lambda: found.extend(_other_task(experiment, catalog, info)),
        lambda: found.extend(catalog.backend(experiment.training.backend).problems(network)),
        lambda: catalog.source(data.source),
        lambda: found.extend(_kinds(experiment, catalog)),
        lambda: found.extend(_vocabulary(network, info)),
        lambda: found.extend(_without_gradients(network)),
        lambda: found.extend(length_problems(network, info)),
        lambda: found.extend(
            tuning_problems(experiment.training, catalog.task(experiment.task), network, info)
        ),
    ):
        try:
            ask()
        except UserError as error:
            found.append(Problem("error", error.message, error.hint))
    yield from found
    if not network.trained_parameters:
        yield Problem(
            "error",
            "The network has nothing to train.",
            "Add a layer with weights, or unfreeze one.",
        )


def _other_task(
    experiment: Experiment, catalog: Catalog, info: DataInfo | None
) -> Iterator[Problem]:
    """Yield that another task learns from these data, if the chosen one does not."""
    task = catalog.task(experiment.task)
    if info is None or task.fits(info):
        return
    other = next((kind for kind in catalog.tasks if _fits(kind, info)), None)
    if other is not None:
        yield Problem(
            "error",
            f"{task.title} cannot learn from these data, but {other.title.lower()} can.",
            "Switch the task, or choose other data.",
            repair=Repair(
                f"Switch the task to {other.title}", partial(replace, task=Component(other.id))
            ),
        )


def _fits(kind: type[Task], info: DataInfo) -> bool:
    try:
        return kind().fits(info)
    except TypeError:  # settings without defaults
        return False


def _kinds(experiment: Experiment, catalog: Catalog) -> Iterator[Problem]:
    """Yield where preparation or augmentation are not made for what the source holds."""
    data = experiment.data
    source = catalog.source(data.source)
    kind = source.kind
    if catalog.preprocessing(data.preprocessing).kind != kind:
        fitting = catalog.preparation_of(type(source))
        change = partial(set_data, preprocessing=Component(fitting.id)) if fitting else None
        yield Problem(
            "error",
            f"The data are {kind}, but the preparation is for other data.",
            f"Choose a preparation for {kind} in the data settings.",
            repair=Repair(f"Use “{fitting.title}”", change) if fitting and change else None,
        )
    augmentation = catalog.augmentation(data.augmentation)
    if augmentation is not None and augmentation.kind != kind:
        yield Problem(
            "error",
            f"The augmentation changes {augmentation.kind}, but the data are {kind}.",
            "Leave it out.",
            repair=Repair("Leave it out", partial(set_data, augmentation=None)),
        )


def _without_gradients(network: Network) -> Iterator[Problem]:
    """Yield layers that are to be trained although no gradient comes to them."""
    above: dict[str, list[str]] = {}
    for node in network.nodes:
        before = dict.fromkeys(name for source in node.inputs for name in above[source])
        above[node.id] = [*before, *([node.id] if node.trained else [])]
        if node.layer.is_fixed and before:
            first, *rest = before
            names = first if not rest else f"{first} and {len(rest)} more"
            yield Problem(
                "error",
                f"{names} cannot be trained: no gradient passes through {node.id}, which is only "
                "run.",
                f"Freeze what comes before {node.id}, or move it behind.",
                node.id,
                Repair("Freeze it", partial(_frozen, ids=frozenset(before))),
            )


def _frozen(experiment: Experiment, ids: frozenset[str]) -> Experiment:
    nodes = (
        msgspec.structs.replace(node, trainable=False) if node.id in ids else node
        for node in experiment.graph.nodes
    )
    return replace(experiment, graph=Graph(tuple(nodes)))


def _vocabulary(network: Network, info: DataInfo | None) -> Iterator[Problem]:
    """Yield layers that look up tokens in fewer rows than the data have different tokens."""
    wanted = info.vocabulary if info is not None else 0
    for node in network.nodes:
        rows = getattr(node.layer, "vocabulary", None)
        if node.layer.is_imported and wanted and rows and rows != wanted:
            yield Problem(
                "error",
                f"{node.id} was trained with a tokeniser of its own, of {rows} tokens, but the "
                f"vocabulary of the data is {wanted}.",
                "Set the tokens to “given” in the data settings and choose the network's "
                "tokenizer.json, or import the network again with these data.",
                node.id,
            )
        elif isinstance(rows, int) and rows < wanted:
            yield Problem(
                "error",
                f"{node.id} knows {rows} tokens, but the texts may have {wanted}.",
                "Set its vocabulary to that of the data, or the data's to that of the layer.",
                node.id,
                Repair(
                    f"Set its vocabulary to {wanted}",
                    partial(set_parameter, node_id=node.id, name="vocabulary", value=wanted),
                ),
            )


def _settings(experiment: Experiment) -> Iterator[Problem]:
    split = experiment.data.split
    if split.validation + split.test >= 1:
        yield Problem(
            "error",
            "Validation and test shares leave nothing to train on.",
            "Make their sum smaller than 1.",
            repair=Repair("Use 15 % each", _default_shares),
        )


def _default_shares(experiment: Experiment) -> Experiment:
    seed = experiment.data.split.seed
    return set_data(experiment, split=Split(validation=0.15, test=0.15, seed=seed))
