"""Finds layers by what a person types: the same order in the palette and on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.layer import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.plugin_api.layer import Layer

NO_MATCH = 9


def by_category(layers: Iterable[type[Layer]]) -> dict[str, list[type[Layer]]]:
    """Group layers by category: the known ones in their order, then those of plug-ins.

    Those that come with imported networks only are left out.
    """
    groups: dict[str, list[type[Layer]]] = {category: [] for category in CATEGORIES}
    for layer in layers:
        if not layer.is_imported:
            groups.setdefault(layer.category or "Other", []).append(layer)
    return {category: found for category, found in groups.items() if found}


def search(layers: Iterable[type[Layer]], text: str) -> list[type[Layer]]:
    """Return the layers that match, best first; all of them for an empty text."""
    ranked = [(rank(layer, text), layer) for layer in layers]
    return [layer for score, layer in sorted(ranked, key=lambda r: r[0]) if score < NO_MATCH]


def rank(layer: type[Layer], text: str) -> int:
    """Return how well a layer matches: 0 is best, NO_MATCH means not at all."""
    wanted = text.casefold().strip()
    title = layer.title.casefold()
    squeezed = wanted.replace(" ", "")
    if not wanted:
        return 0
    if wanted == title or squeezed == layer.id.casefold():
        return 0
    if title.startswith(wanted) or title.replace(" ", "").startswith(squeezed):
        return 1
    if any(word.startswith(wanted) for word in title.split()):
        return 2
    others = (layer.id.casefold(), *(word.casefold() for word in layer.keywords))
    if any(word.startswith(wanted) for word in others):
        return 3
    if wanted in title or any(wanted in word for word in others):
        return 4
    if all(any(part in word for word in (title, *others)) for part in wanted.split()):
        return 5
    return 6 if wanted in layer.category.casefold() else NO_MATCH
