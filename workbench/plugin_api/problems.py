"""Problems of a design: a sentence, a hint, and where possible the edit that repairs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.document.experiment import Experiment


@dataclass(frozen=True)
class Repair:
    """A button that mends a problem: its label, and the edit behind it."""

    title: str
    edit: Callable[[Experiment], Experiment]


@dataclass(frozen=True)
class Problem:
    """Something that is wrong (error: training would fail) or worth knowing (warning)."""

    severity: Literal["error", "warning"]
    message: str
    hint: str = ""
    node: str = ""
    repair: Repair | None = None
