"""5000 handwritten digits of MNIST."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from workbench.plugin_api.samples import open_sample
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split


class Mnist(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """500 grey pictures of each of ten classes, no files needed."""

    id: ClassVar[str] = "mnist5k"
    title: ClassVar[str] = "MNIST digits, 28 × 28"
    help: ClassVar[str] = "5000 grey digits that come with the program, 500 of each class."

    def open(self, split: Split) -> Opened:
        """Divide the digits; the same seed gives the same division."""
        return open_sample("mnist5k", split)
