"""Fuzzy matching of what a person types against titles."""

from __future__ import annotations

NO_MATCH = -1


def score(wanted: str, title: str) -> int:
    """Return how well a title matches: higher is better, NO_MATCH means not at all.

    All letters must come in order. Beginnings of words and runs of letters count more, and a
    short title more than a long one. An empty text matches everything alike.
    """
    letters = wanted.casefold().replace(" ", "")
    text = title.casefold()
    if not letters:
        return 0
    whole = text.find(wanted.casefold().strip())
    if whole >= 0:
        starts_word = whole == 0 or not text[whole - 1].isalnum()
        return 1000 + 200 * starts_word + 100 * (whole == 0) - len(text)
    total, at, last = 0, 0, -2
    for letter in letters:
        at = text.find(letter, at)
        if at < 0:
            return NO_MATCH
        total += 10 if at == last + 1 else 0
        total += 8 if at == 0 or not text[at - 1].isalnum() else 0
        last, at = at, at + 1
    return max(total * 100 // (8 * len(letters)) - len(text), 0)
