"""What an answer rests on, for `predict --explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.worker.asking import Explanation
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
    described: dict[str, Any] = {
        "method": found.method,
        "target": found.target,
        "score": found.score,
    }
    if found.attribution is not None:
        described |= {"baseline": found.attribution.baseline, "error": found.attribution.error}
    if found.layer:
        described["layer"] = found.layer
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
    lines.append(_sum_in_words(found) if found.attribution is not None else _place(answer, found))
    return lines


def write_pictures(answers: Iterable[Answer], path: Path) -> list[Path]:
    """Write what pictures' answers rest on, drawn over them; further ones as NAME-2.png.

    Raises:
        UserError: none of the answers is about a picture, or nothing can be written there.
    """
    from workbench.worker.drawings import draw_heat, in_colours

    written: list[Path] = []
    for answer in answers:
        if answer.explanation is None or answer.asked.shaped.ndim != 3:
            continue
        image = draw_heat(in_colours(answer.asked.shaped), answer.explanation.values)
        number = f"-{len(written) + 1}" if written else ""
        target = path.with_name(f"{path.stem}{number}{path.suffix or '.png'}")
        try:
            image.save(target)
        except (OSError, ValueError) as error:
            raise UserError(f"{target} cannot be written: {error}.", "Name a .png file.") from error
        written.append(target)
    if not written:
        raise UserError("There is no picture to draw on.", "Leave out --picture.")
    return written


def _sum_in_words(found: Explanation) -> str:
    assert found.attribution is not None
    whole = found.attribution
    return (
        f"  score {whole.output:.3f}, of an empty sample {whole.baseline:.3f}; "
        f"the parts add up to the difference but for {abs(whole.error):.4f}"
    )


def _place(answer: Answer, found: Explanation) -> str:
    """Say where a map of a picture is strongest."""
    rows, columns = found.values.shape
    row, column = divmod(int(found.values.argmax()), columns)
    name = f"Grad-CAM of {found.layer}" if found.layer else "occlusion"
    return (
        f"  {name} for {answer.classes[found.target]} (score {found.score:.3f}): strongest "
        f"{100 * (row + 0.5) / rows:.0f} % from the top, {100 * (column + 0.5) / columns:.0f} % "
        "from the left"
    )
