"""What a node shows, as a value: the canvas repaints a node when its face is another."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widgets.theme import CATEGORY_COLORS
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.catalog import Catalog
    from workbench.document.graph import Node
    from workbench.plugin_api.network import ResolvedNode
    from workbench.plugin_api.problems import Problem
    from workbench.plugin_api.tensors import TensorType

OTHER_COLOR = "#8b93a3"
THIN = "\u2009"
"""Thin space, between groups of three digits."""


@dataclass(frozen=True)
class NodeFace:
    """Everything a node shows apart from its place and its thumbnail."""

    title: str
    name: str = ""  # the id, where a person chose it
    summary: str = ""
    shape: str = ""
    parameters: str = ""
    color: str = OTHER_COLOR
    frozen: bool = False
    adapted: bool = False
    severity: str = ""  # "error", "warning" or nothing
    tip: str = ""
    has_input: bool = True
    has_output: bool = True
    shares: tuple[tuple[str, int], ...] = ()  # of a group: colours, and how many layers have them

    @property
    def is_group(self) -> bool:
        """Whether it stands for a folded group."""
        return bool(self.shares)

    @property
    def signs(self) -> int:
        """Number of small signs at the right end of its first line."""
        return bool(self.severity) + self.frozen + self.adapted + self.is_group


def grouped(number: int) -> str:
    """Return a whole number in groups of three digits: 18 496."""
    return f"{number:,}".replace(",", THIN)


def shape_text(tensor: TensorType) -> str:
    """Return the sizes of a tensor's axes: 28 × 28 × 1."""
    return " × ".join("?" if size is None else grouped(size) for size in tensor.shape)


def make_face(
    node: Node, resolved: ResolvedNode | None, problems: Sequence[Problem], catalog: Catalog
) -> NodeFace:
    """Return what a node shows, also when its layer or its settings are unknown."""
    severity = min((problem.severity for problem in problems), default="")
    if node.type not in catalog.layers:
        return NodeFace(node.type, summary="unknown layer", severity="error", tip=_tip(problems))
    kind = catalog.layers[node.type]
    parameters = resolved.parameters if resolved else 0
    return NodeFace(
        title=kind.title,
        name="" if _follows(kind.title, node.id) else node.id,
        summary=_summary(node, resolved, catalog),
        shape=shape_text(resolved.output) if resolved else "",
        parameters=f"{grouped(parameters)} params" if parameters else "",
        color=CATEGORY_COLORS.get(kind.category, OTHER_COLOR),
        frozen=not node.trainable,
        adapted=node.lora is not None,
        severity=severity,
        tip=_heading(node, kind.title) + _facts(resolved) + _tip(problems),
        has_input=kind.inputs[1] != 0,
        has_output=kind.id != "Output",
    )


def make_group_face(
    path: str,
    nodes: Sequence[Node],
    known: Mapping[str, ResolvedNode],
    problems: Sequence[Problem],
    catalog: Catalog,
    *,
    end: ResolvedNode | None = None,
) -> NodeFace:
    """Return what a folded group shows.

    Args:
        nodes: the layers in it.
        known: what is known of its layers.
        end: the layer whose output leaves it; None where that is not one, or not known.
    """
    found = [known[node.id] for node in nodes if node.id in known]
    parameters = sum(node.parameters for node in found)
    weighted = {node.id for node in found if node.weights}
    held = sum(not node.trainable for node in nodes if node.id in weighted)
    partly = f" · {grouped(held)} frozen" if 0 < held < len(weighted) else ""
    adapted = sum(node.lora is not None for node in nodes)
    partly += f" · {grouped(adapted)} LoRA" if adapted else ""
    layers = "1 layer" if len(nodes) == 1 else f"{grouped(len(nodes))} layers"
    kinds = {node.id: catalog.layers[node.type] for node in nodes if node.type in catalog.layers}
    colors = Counter(
        CATEGORY_COLORS.get(kinds[node.id].category, OTHER_COLOR)
        if node.id in kinds
        else OTHER_COLOR
        for node in nodes
    )
    name = path.rpartition("/")[2]
    shares = tuple(sorted(colors.items(), key=lambda item: -item[1]))
    shape = shape_text(end.output) if end else ""
    total = f"{grouped(parameters)} params" if parameters else ""
    facts = "".join(f"<br>{html.escape(text)}" for text in (shape, total) if text)
    return NodeFace(
        title=name,
        summary=layers + partly,
        shape=shape,
        parameters=total,
        frozen=0 < len(weighted) == held,
        adapted=adapted > 0,
        severity=min((problem.severity for problem in problems), default=""),
        tip=f"<b>{html.escape(path)}</b> {layers}{partly}{facts}{_tip(problems[:3])}",
        has_input=all(kind.inputs[1] != 0 for kind in kinds.values()),
        has_output=all(kind.id != "Output" for kind in kinds.values()),
        color=shares[0][0],
        shares=shares,
    )


def stem(title: str) -> str:
    """Return the short name that new nodes of a layer are numbered by: "Batch norm" → norm."""
    words = _words(title)
    made = words[-1].rstrip("0123456789") if words else ""
    return made if made.isidentifier() else "layer"


def _follows(title: str, node_id: str) -> bool:
    """Return whether a name says no more than the title: conv1, max_pool2."""
    words = {word.rstrip("0123456789") for word in _words(title)}
    return all(part in words for part in node_id.rstrip("0123456789").split("_"))


def _words(title: str) -> list[str]:
    spaced = "".join(char if char.isascii() and char.isalnum() else " " for char in title)
    return [word for word in spaced.lower().split() if word not in ("1d", "2d", "3d")]


def _summary(node: Node, resolved: ResolvedNode | None, catalog: Catalog) -> str:
    if resolved:
        return resolved.layer.summary()
    try:
        return catalog.layer(node).summary()
    except UserError:
        return ""


def _heading(node: Node, title: str) -> str:
    frozen = "" if node.trainable else " · frozen"
    adapted = "" if node.lora is None else f" · LoRA adapters, rank {node.lora.rank}"
    return f"<b>{html.escape(title)}</b> {html.escape(node.id)}{frozen}{adapted}"


def _facts(resolved: ResolvedNode | None) -> str:
    if resolved is None:
        return ""
    lines = [f"{shape_text(resolved.output)} ({resolved.output.in_words()})"]
    if resolved.parameters or resolved.statistics:
        kept = f", {grouped(resolved.statistics)} statistics" if resolved.statistics else ""
        lines.append(f"{grouped(resolved.parameters)} parameters{kept}")
    if resolved.adapters and resolved.trainable:
        lines.append(f"{grouped(resolved.trained_parameters)} of them trained, in adapters")
    if resolved.multiply_adds:
        lines.append(f"{grouped(resolved.multiply_adds)} multiply-adds")
    return "".join(f"<br>{html.escape(line)}" for line in lines)


def _tip(problems: Sequence[Problem]) -> str:
    return "".join(
        f"<p>{html.escape(problem.message)}<br><i>{html.escape(problem.hint)}</i></p>"
        for problem in problems
    )
