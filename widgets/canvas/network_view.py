"""A view of the network: its layers, with the pictures of a run on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.canvas import geometry
from widgets.canvas.navigation import NavigableView
from widgets.canvas.scene import NetworkScene
from widgets.canvas.thumbnails import map_image, picture_image, thumbnail
from workbench.analysis.group_layout import unfold_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QWidget

    from widgets.theme import Theme
    from workbench.session import Session


class NetworkView(NavigableView):
    """Shows the open network and changes nothing in it but the selection.

    Attributes:
        network: the scene with an item for each layer and connection.
        is_placed: whether the view has had a size, and been set on the network.
    """

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        self.network = NetworkScene(session, theme)
        super().__init__(self.network, parent)
        self.network.setParent(self)
        self.is_placed = False
        self._document = session.document
        self.network.replaced.connect(self._on_network_replaced)

    def content(self) -> QRectF:
        """Return the box around all layers."""
        return self.network.content()

    def visible_nodes(self) -> tuple[str, ...]:
        """Return the ids of the nodes in view, in the document's order."""
        return tuple(self.network.nodes_in(self.visible_area()))

    def show_node(self, node_id: str) -> None:
        """Unfold what hides a layer, select it and bring it to the middle."""
        if node_id in self.network.folding.keys:
            self.unhide(node_id)
            self._document.select((node_id,))
            self.centerOn(geometry.node_rect(self.network.nodes[node_id].place).center())

    def unhide(self, node_id: str) -> None:
        """Unfold every group that hides a layer."""
        if self.network.folding.keys[node_id] != node_id:
            self._document.look(lambda experiment: unfold_to(experiment, node_id))

    def set_thumbnails(self, thumbnails: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show height × width maps, uint8, on the layers of these ids, and none on others.

        A folded group shows the map of the layer whose output leaves it.
        """
        for node_id, item in self.network.nodes.items():
            if self.network.graph[node_id].type != "Input":
                exits = self.network.folding.exits(node_id)
                values = thumbnails.get(exits[-1]) if exits else None
                # One value says nothing as a colour.
                drawable = values is not None and values.ndim == 2 and values.size > 1
                item.show_thumbnail(thumbnail(map_image(values)) if drawable else None)

    def set_picture(self, picture: NDArray[np.uint8] | None) -> None:
        """Show the sample, height × width × 3, uint8, on the Input; None shows none."""
        shown = None if picture is None else thumbnail(picture_image(picture))
        for node in self.network.graph.nodes:
            if node.type == "Input":
                self.network.nodes[node.id].show_thumbnail(shown)

    def showEvent(self, event: QShowEvent) -> None:
        """Show the network when the size is known."""
        super().showEvent(event)
        if not self.is_placed:
            self.is_placed = True
            self.show_start()

    def _on_network_replaced(self) -> None:
        if self.is_placed:
            self.show_start()
