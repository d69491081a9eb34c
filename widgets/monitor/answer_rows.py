"""Samples with what was said of them, as text: tags word by word, or classes that hold."""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from widgets.texts import percent
from widgets.tints import tint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.monitor.sample_texts import SampleText
    from widgets.theme import Theme
    from workbench.plugin_api.label_results import LabelResults
    from workbench.plugin_api.tag_results import TagResults


PART = "part:"
"""What links of words begin with; row and step follow."""
New = NDArray[np.generic] | None


class Rows(Protocol):
    """What was said of the samples of a split."""

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those with most mistakes first."""
        ...

    def written(self, row: int, known: SampleText, theme: Theme, new: New = None) -> str:
        """Return a sample with what was said of it, as HTML.

        Args:
            new: what it was corrected to, as `read_target` reads it.
        """
        ...


class TaggedRows:
    """Words with their tags; wrong ones show both."""

    def __init__(self, results: TagResults, classes: Sequence[str]) -> None:
        self._results = results
        self._classes = classes
        self._wrong = results.true_tags != results.predicted_tags

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those with most wrong tags first."""
        total = np.concatenate(([0], np.cumsum(self._wrong)))
        ends = self._results.ends
        starts = np.concatenate(([0], ends[:-1]))
        return np.argsort(total[starts] - total[ends], kind="stable")

    def written(self, row: int, known: SampleText, theme: Theme, new: New = None) -> str:
        """Return each word with its tag, in the colour of its class; of a series two strips.

        Words link to what corrects their tags; a corrected tag stands behind the two others.
        """
        steps = self._results.steps(row)
        true, said = self._results.true_tags[steps], self._results.predicted_tags[steps]
        anew = true if new is None else new[new >= 0][: len(true)]
        if len(anew) != len(true):
            anew = true
        if not known.text:
            strips = [("true", true), ("said", said), *([("new", anew)] * (anew is not true))]
            return "".join(self._strip(title, tags, theme) for title, tags in strips)
        words = known.text.split()[: len(true)]
        words += [str(number + 1) for number in range(len(words), len(true))]
        tags = zip(true.tolist(), said.tolist(), anew.tolist(), strict=True)
        return " ".join(
            f'<a href="{PART}{row}/{number}" style="text-decoration:none">'
            f"{self._word(word, *each, theme)}</a>"
            for number, (word, each) in enumerate(zip(words, tags, strict=True))
        )

    def place(self, row: int, step: int, target: NDArray[np.generic]) -> int | None:
        """Return where in a sample's own target a step is; None where the two do not agree."""
        true = self._results.true_tags[self._results.steps(row)]
        known = np.flatnonzero(target >= 0)[: len(true)]
        agree = len(known) == len(true) and bool((target[known] == true).all())
        return int(known[step]) if agree else None

    def _strip(self, title: str, tags: NDArray[np.int16], theme: Theme) -> str:
        """Return the steps of each class as a piece of a coloured strip."""
        begins = [0, *(np.flatnonzero(np.diff(tags)) + 1).tolist()]
        cells = []
        for begin, end in itertools.pairwise([*begins, len(tags)]):
            name = self._classes[int(tags[begin])] if end > begin else ""
            share = 90 * (end - begin) / max(len(tags), 1)
            cells.append(
                f'<td width="{share:.1f}%" bgcolor="{tint(name)}"><span style="color:#ffffff">'
                f"&nbsp;{escape(name) if share > 8 else ''}</span></td>"
            )
        soft = theme.colors.text_soft
        head = f'<td width="10%"><span style="color:{soft}">{title}</span></td>'
        return f'<table width="100%" cellspacing="0"><tr>{head}{"".join(cells)}</tr></table>'

    def _word(self, word: str, true: int, said: int, anew: int, theme: Theme) -> str:
        colors, word = theme.colors, escape(word)
        name, wanted = escape(self._classes[said]), escape(self._classes[true])
        if anew != true:
            word, color = f"<b>{word}</b>", colors.accent
            tags = f"<s>{wanted}</s>&nbsp;→&nbsp;{escape(self._classes[anew])}"
        elif said != true:
            word, color = f'<b style="color:{colors.error}">{word}</b>', colors.error
            tags = f"<s>{name}</s>&nbsp;{wanted}"
        elif self._classes[said] == "O":
            return f'<span style="color:{colors.text}">{word}</span>'
        else:
            word, tags = f"<b>{word}</b>", name
            color = tint(self._classes[said], colors.field)
        return (
            f'<span style="color:{colors.text}">{word}</span>'
            f'<span style="color:{color}">&nbsp;{tags}</span>'
        )


class LabelledRows:
    """Texts with the probability of each class that holds or is said to."""

    def __init__(self, results: LabelResults, classes: Sequence[str]) -> None:
        self._shares = results.label_probabilities.astype(np.float32)
        self._true = results.label_targets > 0
        self._classes = classes

    def worst_first(self) -> NDArray[np.int64]:
        """Return the rows, those whose classes were least expected first."""
        shares = np.where(self._true, self._shares, 1 - self._shares).clip(min=1e-4)
        return np.argsort(np.log(shares).sum(axis=1), kind="stable")

    def written(self, row: int, known: SampleText, theme: Theme, new: New = None) -> str:
        """Return the text, and below it its classes with probabilities."""
        shares, true = self._shares[row], self._true[row]
        order = [n for n in np.argsort(-shares).tolist() if true[n] or shares[n] >= 0.1]
        labels = (self._label(n, float(shares[n]), bool(true[n]), theme) for n in order)
        soft = theme.colors.text_soft
        listed = " &nbsp; ".join(labels) or f'<span style="color:{soft}">no class</span>'
        return f"{escape(known.text[:400] or known.name)}<br>{listed}"

    def _label(self, number: int, share: float, holds: bool, theme: Theme) -> str:
        colors, name = theme.colors, escape(self._classes[number])
        color = colors.success if holds else colors.text_soft
        mark = "✓&nbsp;" if holds else ""
        return f'<span style="color:{color}">{mark}{name}&nbsp;{percent(share)}</span>'
