"""What became of a network that was imported, as a person is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = 3
"""So many names stand in a sentence; the report has them all."""


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a network.

    Attributes:
        origin: where network and weights come from.
        layers: nodes that can be edited now.
        parameters: of them, those that training can change.
        difference: largest difference of the outputs from those of the original for random
            inputs, by the size of the outputs.
        matched: weights taken over; 0 for random ones.
        renamed: (name there, name here) where a file calls them otherwise.
        skipped: what was left out.
        changed: what is not as it was, sentences.
        preparation: how samples are prepared from now on.
        classes: names of the outputs as they came; empty where they are not known.
        head: what became of the last layer; empty where it stayed.
        frozen: names of layers that training leaves alone.
        adapters: which layers got LoRA adapters, a sentence; empty where none did.
        others: architectures that the weights would fit as well.
        whole: why the network is one block; empty where no part of it is.
        is_opaque: whether its modules can be frozen only, not watched or cut.
        fixed: numbers in that block where it can only be run; 0: it can be trained.
        warnings: what a person should know besides.
    """

    origin: str
    layers: int
    parameters: int
    difference: float
    matched: int = 0
    renamed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    preparation: str = ""
    classes: tuple[str, ...] = ()
    head: str = ""
    frozen: tuple[str, ...] = ()
    adapters: str = ""
    others: tuple[str, ...] = ()
    whole: str = ""
    is_opaque: bool = False
    fixed: int = 0
    warnings: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the report in words, one sentence or two a line."""
        yield f"Imported: {self.origin}."
        yield self._form()
        differ = (
            f"differ by {self.difference:.0e} of their size" if self.difference else "are equal"
        )
        yield f"Compared on random inputs, the outputs {differ}."
        if self.matched:
            renamed = ""
            if self.renamed:
                first = f"{self.renamed[0][0]} → {self.renamed[0][1]}"
                renamed = f", {len(self.renamed)} of them under other names ({first} …)"
            yield f"{self.matched} weights were taken over{renamed}."
        if self.skipped:
            yield f"Left out: {_listed(self.skipped)}."
        yield from self.changed[:NAMED]
        if len(self.changed) > NAMED:
            yield f"{len(self.changed) - NAMED} more changes of the same kinds."
        if self.preparation:
            yield f"Samples are prepared so from now on: {self.preparation}."
        if self.classes:
            yield f"It came with {len(self.classes)} classes: {_listed(self.classes)}."
        if self.head:
            yield self.head
        if self.frozen:
            yield f"{len(self.frozen)} layers are frozen, their running statistics too."
        if self.adapters:
            yield self.adapters
        if self.others:
            yield (
                f"The weights fit {_listed(self.others)} as well; name another architecture if "
                "this is not the one."
            )
        yield from self.warnings

    def _form(self) -> str:
        """Return what has become of the network: layers, or one block."""
        parameters, fixed = (f"{n:,}".replace(",", "\u2009") for n in (self.parameters, self.fixed))
        if self.fixed:
            return (
                f"Kept as one block of {fixed} numbers that never change; what is computed inside "
                f"can be watched, or be its end: {self.whole}."
            )
        if self.whole:
            possible = "frozen" if self.is_opaque else "watched, frozen and cut"
            return (
                f"Kept as one block of {parameters} parameters, whose inner modules can be "
                f"{possible}: {self.whole}."
            )
        return f"{self.layers} layers that can be edited, {parameters} parameters."


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
