"""What the message bar shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from workbench.plugin_api.problems import Problem, Repair


@dataclass(frozen=True)
class Message:
    """A sentence and a next step.

    Attributes:
        copy: a line of the hint that a person may want to copy, such as one for the terminal.
        repair: an edit of the experiment that does the next step.
    """

    severity: Literal["info", "warning", "error"]
    text: str
    hint: str = ""
    copy: str = ""
    repair: Repair | None = None

    @staticmethod
    def of(problem: Problem, text: str = "", hint: str = "") -> Message:
        """Return a problem as a message; text and hint stand in for its own."""
        return Message(
            problem.severity,
            text or problem.message,
            problem.hint or hint,
            repair=problem.repair,
        )
