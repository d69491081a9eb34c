"""Errors that are shown to a person as they are."""

from __future__ import annotations

import re


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


def first_line(error: object, most: int = 200) -> str:
    """Return the first line of what another library's error says; its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:most] if lines else type(error).__name__


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "a table",
    "null": "empty",
}
_BOUNDS = {"<=": " of at most", ">=": " of at least", "<": " below", ">": " above"}
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?: (?P<bound>[<>]=?) (?P<value>[-+.\de]+))?")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")


def in_words(error: Exception) -> str:
    """Return why msgspec refused a value, as the end of a sentence; other errors as they are."""
    text = str(error).replace("`$.", "`")
    reason, _, place = text.partition(" - at ")
    found = _EXPECTED.match(reason)
    if found:
        kinds = " or ".join(_KINDS.get(kind, kind) for kind in found["kinds"].split(" | "))
        bound = f"{_BOUNDS[found['bound']]} {float(found['value']):.15g}" if found["bound"] else ""
        reason = f"it must be {kinds}{bound}"
    elif unknown := _UNKNOWN.match(reason):
        reason = f"there is no “{unknown['name']}”"
    place = place.strip("`")
    return reason if place in ("", "$") else f"{place}: {reason}"
