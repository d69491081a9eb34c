"""One node of an ONNX graph, as the table of operations sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Step:
    """A node whose settings are known.

    Attributes:
        kind: ONNX' name of the operation.
        opset: version of ONNX' operators.
        settings: its attributes.
        known: its inputs that are numbers known beforehand; None where it is computed, or absent.
        outputs: how many of its results are used.
        batch: samples that the file was written for; 0: any number.
        name: the node's, for a person.
        given: whether there is an input at each place.
    """

    kind: str
    opset: int
    settings: Mapping[str, Any]
    known: tuple[np.ndarray | None, ...]
    outputs: int = 1
    batch: int = 0
    name: str = ""
    given: tuple[bool, ...] = ()

    @property
    def states(self) -> list[np.ndarray | None]:
        """The states that a recurrent layer begins with; None for one that is not known."""
        places = [place for place in (5, 6) if place < len(self.given) and self.given[place]]
        return [self.known[place] for place in places]

    @property
    def F(self) -> Any:
        """torch.nn.functional, which is imported late."""
        from torch.nn import functional

        return functional

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.settings.get(name, default)

    def ints(self, name: str, index: int = -1) -> list[int] | None:
        """Return whole numbers of an attribute, or of an input as newer versions have them.

        Raises:
            NotCoveredError: they are computed from the samples.
        """
        if name in self.settings:
            found = self.settings[name]
            return [found] if isinstance(found, int) else list(found)
        if not 0 <= index < len(self.known):
            return None
        array = self.known[index]
        return None if array is None else [int(value) for value in np.atleast_1d(array).ravel()]

    def number(self, name: str, index: int, default: Any = None) -> Any:
        """Return a number of an attribute, or of an input."""
        if name in self.settings:
            return self.settings[name]
        array = self.known[index] if index < len(self.known) else None
        return default if array is None else array.reshape(-1)[0].item()

    def refuse(self, words: str) -> NotCoveredError:
        """Return the error that a node does something which no layer does."""
        return NotCoveredError(f"“{self.name}” ({self.kind}) {words}, for which no layer is here.")
