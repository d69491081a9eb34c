"""What is looked at inside the network: one layer, one sample, and small pictures of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.errors import UserError
from workbench.plugin_api.layer import Layer

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.document.experiment import Experiment
    from workbench.document.graph import Node
    from workbench.session import Session

MOST_LAYERS = 4
MOST_THUMBNAILS = 64


class Watching:
    """Keeps the watched layer and sample, and tells the worker at every change.

    The layer follows the selection on the canvas as long as the shown run has such a layer.

    Signals:
        changed(): the layer or the sample is another, or the layers whose attention is wanted.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.layer = ""
        self.sample = 0
        self.attention: tuple[str, ...] = ()
        session.run.opened.connect(self._on_opened)
        session.document.selection_changed.connect(self._on_selection_changed)
        self._on_opened()

    @property
    def layers(self) -> tuple[str, ...]:
        """Nodes of the shown run, in order, each before the modules that can be watched in it."""
        experiment = self._session.run.experiment
        return () if experiment is None else layers_of(experiment, self._session.catalog)

    def choose_layer(self, layer: str) -> None:
        """Look at a layer; it is selected on the canvas if it stands there."""
        if layer in self._session.document.experiment.graph:
            self._session.document.select((layer,))
        self._set(layer, self.sample)

    def choose_sample(self, sample: int) -> None:
        """Pin another sample, by its index in the validation split."""
        self._set(self.layer, max(sample, 0))

    @property
    def attending(self) -> tuple[str, ...]:
        """Nodes of the shown run whose layers attend, in order."""
        experiment, layers = self._session.run.experiment, self._session.catalog.layers
        if experiment is None:
            return ()
        return tuple(
            n.id for n in experiment.graph.nodes if n.type in layers and layers[n.type].attends
        )

    def look_at_attention(self, *nodes: str) -> None:
        """Have recorded what these layers attend to, beside all else; none: nobody looks."""
        if nodes != self.attention:
            self.attention = nodes
            self._tell()
            self.changed.emit()

    def _on_selection_changed(self) -> None:
        known = set(self.layers)
        selected = [node for node in self._session.document.selection if node in known]
        if selected:
            self._set(selected[0], self.sample)

    def _on_opened(self) -> None:
        if self.layer not in self.layers:
            self.layer = self._first_layer()
        self._tell()
        self.changed.emit()

    def _first_layer(self) -> str:
        """Return the selected layer, or the first that computes something."""
        layers = self.layers
        selected = [node for node in self._session.document.selection if node in layers]
        experiment = self._session.run.experiment
        if selected or experiment is None:
            return selected[0] if selected else ""
        inner = [node.id for node in experiment.graph.nodes if node.type != "Input"]
        return inner[0] if inner else ""

    def _set(self, layer: str, sample: int) -> None:
        if (layer, sample) != (self.layer, self.sample):
            self.layer, self.sample = layer, sample
            self._tell()
            self.changed.emit()

    def _tell(self) -> None:
        if self._session.run.folder is None:
            return
        known = set(self.layers)
        selected = [node for node in self._session.document.selection if node in known]
        layers = tuple(dict.fromkeys((self.layer, *selected)))[:MOST_LAYERS]
        attention = tuple(node for node in self.attention if node in known)
        nodes = tuple(name for name in self.layers if "." not in name)
        self._session.attempt(
            lambda: self._session.run.watch(self.sample, layers, nodes[:MOST_THUMBNAILS], attention)
        )


def layers_of(experiment: Experiment, catalog: Catalog) -> tuple[str, ...]:
    """Return nodes in order, each before the modules that can be watched in it."""
    nodes = experiment.graph.nodes
    return tuple(name for node in nodes for name in (node.id, *_inner(node, catalog)))


def _inner(node: Node, catalog: Catalog) -> list[str]:
    layers = catalog.layers
    if node.type not in layers or layers[node.type].inner is Layer.inner:
        return []  # without a look at its settings: a network has hundreds of such nodes
    try:
        layer = catalog.layer(node)
    except UserError:
        return []
    return [f"{node.id}.{part.path}" for part in layer.inner() if part.path and part.shape]
