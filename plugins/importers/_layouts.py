"""How the inputs of a foreign graph lie, and how pictures are prepared where nothing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.importers._aten_program import Expanded, expand_program
from workbench.document.experiment import Component
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Collection

INPUT_SIZES = (224, 256, 320, 512, 640, 128, 64)
"""Heights and widths that are tried where a file takes any."""
UNSCALED = (
    "The file does not say how its pictures were scaled: set that in the data settings, here they "
    "are 0 … 1."
)


def best_layout(program: Any, batch: int, leaves: Collection[str] = ()) -> Expanded:
    """Expand a program of one input with the layout that needs the fewest moves of values.

    Raises:
        NotCoveredError: it does what no layer here does.
    """
    names = program.graph_signature.user_inputs
    (entry,) = (node for node in program.graph.nodes if node.name in names)
    rank = len(entry.meta["val"].shape) - 1
    last = tuple(range(rank))
    first = (rank - 1, *range(rank - 1))
    refusal: NotCoveredError | None = None
    best: tuple[int, Expanded] | None = None
    for order in [first, last] if rank > 1 else [last]:
        try:
            found = expand_program(program, leaves, (order,), batch)
        except NotCoveredError as error:
            refusal = refusal or error
            continue
        moves = sum(node.type == "Permute" for node in found.graph.nodes)
        if best is None or moves < best[0]:
            best = (moves, found)
    if best is None:
        raise refusal or NotCoveredError("The network takes single numbers.")
    return best[1]


def many(batch: int) -> str:
    """Return what a file of a fixed batch takes, in words."""
    count = "one sample" if batch == 1 else f"{batch} samples"
    return f"The file takes {count} at a time; here it takes any number."


def preprocessing_of(shape: tuple[int | None, ...]) -> Component | None:
    """Return how pictures of a shape are prepared; None for anything else."""
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return None
    height, width, channels = shape
    colours = "grayscale" if channels == 1 else "rgb"
    return Component("image", {"height": height, "width": width, "channels": colours})
