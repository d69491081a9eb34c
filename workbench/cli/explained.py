"""What an answer rests on, for `predict --explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.worker.predict import Answer

WIDTH = 20
"""Characters of the longest bar."""


def explained(answer: Answer) -> dict[str, Any]:
    """Return the explanation as it goes into JSON; empty where none was asked for.

    For a text "words" has each token with its share of the score; for anything else "values" has
    them in the sample's own shape. They add up to score - baseline, but for "error".
    """
    found = answer.explanation
    if found is None:
        return {}
    whole = found.attribution
    described = {
        "target": found.target,
        "score": whole.output,
        "baseline": whole.baseline,
        "error": whole.error,
    }
    if not answer.asked.words:
        return {"explanation": {**described, "values": found.values.tolist()}}
    pairs = zip(answer.asked.words, found.values.tolist(), strict=True)
    words = [
        {"text": word.text, "start": word.start, "known": word.is_known, "value": value}
        for word, value in pairs
    ]
    return {"explanation": {**described, "words": words[: answer.asked.real]}}


def explained_lines(answer: Answer) -> list[str]:
    """Return the explanation for a terminal: a line a word with a bar, or one a channel."""
    found = answer.explanation
    if found is None:
        return []
    if answer.asked.words:
        names = [word.text for word in answer.asked.words[: answer.asked.real]]
        values = found.values[: len(names)].tolist()
    elif found.values.ndim == 2 and answer.asked.shaped.ndim == 2:
        values = found.values.sum(axis=0).tolist()
        names = [f"channel {number}" for number in range(1, len(values) + 1)]
    else:
        names, values = [], []
    longest = max((len(name) for name in names), default=0)
    most = max((abs(value) for value in values), default=0.0) or 1.0
    lines = []
    for name, value in zip(names, values, strict=True):
        bar = ("+" if value > 0 else "-") * round(WIDTH * abs(value) / most)
        lines.append(f"  {name:<{longest}} {value:+.3f} {bar}".rstrip())
    whole = found.attribution
    lines.append(
        f"  score {whole.output:.3f}, of an empty sample {whole.baseline:.3f}; "
        f"the parts add up to the difference but for {abs(whole.error):.4f}"
    )
    return lines
