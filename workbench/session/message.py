"""What the message bar shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Message:
    """A sentence and a next step.

    Attributes:
        copy: a line of the hint that a person may want to copy, such as one for the terminal.
    """

    severity: Literal["info", "warning", "error"]
    text: str
    hint: str = ""
    copy: str = ""
