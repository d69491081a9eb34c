"""What became of a file of adapters, as a person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 3


class AdaptersReport(msgspec.Struct, frozen=True, kw_only=True):
    """What of a file of adapters went where.

    Attributes:
        kind: what wrote the file.
        layers: names of the matrices that have adapters now, by layer.
        ranks: of the adapters.
        trained: other layers whose weights came with them.
        left: sentences on what was left out.
        others: matrices that are not those the adapters were trained beside.
    """

    kind: str
    layers: dict[str, tuple[str, ...]]
    ranks: tuple[int, ...]
    trained: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield sentences."""
        matrices = sum(map(len, self.layers.values()))
        what = "1 matrix" if matrices == 1 else f"{matrices} matrices"
        where = next(iter(self.layers)) if len(self.layers) == 1 else f"{len(self.layers)} layers"
        rank = " and ".join(map(str, self.ranks))
        beside = f"; {', '.join(self.trained)} came with them" if self.trained else ""
        yield f"Adapters of rank {rank} change {what} of {where}{beside}."
        yield from self.warnings()

    def warnings(self) -> Iterator[str]:
        """Yield what a person should look at."""
        if self.others:
            differ = " differs" if len(self.others) == 1 else " and others differ"
            yield (
                f"They were trained beside other weights: {self.others[0]}{differ} here, so that "
                "the answers will not be those of the network that was trained."
            )
        yield from self.left[:SHOWN]
        if len(self.left) > SHOWN:
            yield f"{len(self.left) - SHOWN} more were left out."
