"""What of a weights file goes where in a network, as a person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.analysis.weights import By, Match, Unmatched, shape_words
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 3
"""So many names stand in a sentence; the report has them all."""


class WeightsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What of a file goes where in a network.

    Attributes:
        kind: what sort of file it is.
        unmatched: weights of the network that the file cannot give.
        unused: arrays of the file that the network has no place for.
        warnings: what a person should know besides.
    """

    kind: str
    by: By
    matched: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...]
    unused: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether network and file have exactly the same weights."""
        return not self.unmatched and not self.unused


def check_match(report: WeightsReport, name: str, *, partial: bool) -> None:
    """Raise UserError unless a file may be loaded as it matches."""
    other = "by name" if report.by == "order" else "by order"
    if not report.matched:
        raise UserError(
            f"Nothing in {name} matches this network. {_missing(report)}",
            f"Perhaps it belongs to another network; or try to match {other}.",
        )
    if not partial and not report.is_complete:
        raise UserError(
            f"{name} does not match this network as a whole. {_missing(report)}".rstrip(),
            f"Load it in part, or try to match {other}.",
        )


def _missing(report: WeightsReport) -> str:
    """Say how many do not match, and the first of them."""
    parts = []
    if report.unmatched:
        total = len(report.matched) + len(report.unmatched)
        named = [f"{item.ours} ({shape_words(item.shape)})" for item in report.unmatched]
        parts.append(f"{len(named)} of {total} weights are not in it: {first_named(named)}.")
        parts.append(report.unmatched[0].reason)
    if report.unused:
        count = len(report.unused)
        parts.append(f"{count} of its arrays have no place: {first_named(report.unused)}.")
    return " ".join(parts)


def first_named(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
