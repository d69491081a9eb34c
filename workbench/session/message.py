"""What the message bar shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Message:
    """A sentence and a next step."""

    severity: Literal["info", "warning", "error"]
    text: str
    hint: str = ""
