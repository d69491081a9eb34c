"""Gathers the layers and weights of a document while a foreign network is walked through."""

from __future__ import annotations

import hashlib
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.document.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class GraphBuilder:
    """Nodes in the order in which they were added, and their canonical weights."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self.weights: dict[str, NDArray[np.float32]] = {}

    def add(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
        weights: Mapping[str, NDArray[Any] | None] | None = None,
        *,
        trainable: bool = True,
        group: str = "",
    ) -> str:
        """Add a node called after `name` and return its id; weights that are None are left out.

        Args:
            group: path of the modules around it, from the outermost, parted by slashes.
        """
        node_id = self._unused(identifier(name))
        settings = {key: _plain(value) for key, value in (params or {}).items()}
        self._nodes[node_id] = Node(
            node_id, kind, settings, tuple(inputs), trainable=trainable, group=group
        )
        for key, value in (weights or {}).items():
            if value is not None:
                # A view would keep all of the original alive, and some formats misread it.
                self.weights[f"{node_id}/{key}"] = np.array(value, np.float32, order="C")
        return node_id

    def kind(self, node_id: str) -> str:
        """Return the kind of a node that was added."""
        return self._nodes[node_id].type

    def graph(self) -> Graph:
        """Return all nodes as a graph."""
        return Graph(tuple(self._nodes.values()))

    def _unused(self, name: str) -> str:
        number, found = 1, name
        while found in self._nodes:
            number += 1
            found = f"{name}_{number}"
        return found


def identifier(name: str) -> str:
    """Return a name as a node may have it: "features.0" becomes features_0."""
    plain = unicodedata.normalize("NFKC", name)
    plain = re.sub(r"\W+", "_", plain).strip("_") or "layer"
    if not plain.isidentifier() or keyword.iskeyword(plain):
        plain = f"layer_{plain}"
    return plain


def _plain(value: Any) -> Any:
    """Return a setting as a file would give it back: lists instead of tuples, plain numbers."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def plain_name(title: str) -> str:
    """Return a title as a file's name of letters, digits, underscores and points."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", title).strip("_.") or "network"


def asset_name(name: str, content: bytes, suffix: str) -> str:
    """Return what a file beside the weights is called; another content has another name."""
    return f"{name}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
