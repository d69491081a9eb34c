"""What sources say of rows that they cannot use."""

from __future__ import annotations

from workbench.plugin_api.data import BadFile

MOST_BAD = 1000
"""So many are listed one by one."""


class LeftOut:
    """Rows of a file that cannot be used: the first of them by place, the rest as a number.

    Args:
        name: of the file, for people.
        what: rows are, "rows" or "sentences".

    Attributes:
        count: how many there are.
    """

    def __init__(self, name: str, what: str = "rows") -> None:
        self._name, self._what = name, what
        self._first: list[BadFile] = []
        self.count = 0

    def add(self, place: str, reason: str) -> None:
        """Note one: where it is, and why it cannot be used."""
        self.count += 1
        if self.count <= MOST_BAD:
            self._first.append(BadFile(place, reason))

    @property
    def listed(self) -> list[BadFile]:
        """The first of them, and how many more there are."""
        more = self.count - MOST_BAD
        if more <= 0:
            return self._first
        return [*self._first, BadFile(self._name, f"{more} more {self._what} cannot be used")]
