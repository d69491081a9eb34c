"""Errors that are shown to a person as they are."""

from __future__ import annotations


class UserError(Exception):
    """Something a person can mend: a plain sentence and, where there is one, a next step.

    Args:
        message: what happened, as one sentence.
        hint: what to do next; empty when nothing sensible can be said.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
