"""The 8 × 8 handwritten digits of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from workbench.plugin_api.samples import open_sample
from workbench.plugin_api.source import Opened, Source

if TYPE_CHECKING:
    from workbench.document.experiment import Split


class Digits(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """1797 grey pictures of ten classes, no files needed."""

    id: ClassVar[str] = "digits"
    title: ClassVar[str] = "Handwritten digits, 8 × 8"
    help: ClassVar[str] = "1797 small grey digits that come with the program; trains in seconds."

    def open(self, split: Split) -> Opened:
        """Divide the digits; the same seed gives the same division."""
        return open_sample("digits", split)
