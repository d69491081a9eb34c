"""Answers for a person's own files, with the run's own preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.worker import asking
from workbench.worker.trained import Which, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.plugin_api.task import Prediction
    from workbench.runs.folder import RunFolder
    from workbench.worker.asking import Explanation, Question
    from workbench.worker.trained import Trained


@dataclass(frozen=True)
class Answer:
    """What a network takes one sample for, and on request what that rests on."""

    asked: Question
    prediction: Prediction
    explanation: Explanation | None = None


def predict_files(
    folder: RunFolder,
    paths: Sequence[Path],
    catalog: Catalog,
    which: Which = "best",
    *,
    explain: bool = False,
) -> list[tuple[Path, Answer | UserError]]:
    """Return an answer for each file, or for each series in it.

    A file that cannot be read gets its error instead.

    Args:
        explain: say what each answer rests on, too.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which, differentiable=explain)
    return [
        (path, answer)
        for path in paths
        for answer in _answers(trained, asking.given, str(path), explain)
    ]


def predict_texts(
    folder: RunFolder,
    texts: Sequence[str],
    catalog: Catalog,
    which: Which = "best",
    *,
    explain: bool = False,
) -> list[tuple[str, Answer | UserError]]:
    """Return an answer for each typed text; one that cannot be used gets its error instead.

    Args:
        explain: say what each answer rests on, too.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which, differentiable=explain)
    return [
        (text, answer)
        for text in texts
        for answer in _answers(trained, lambda t, one: [asking.typed(t, one)], text, explain)
    ]


def _answers(
    trained: Trained, ask: Callable[[Trained, str], list[Question]], given: str, explain: bool
) -> list[Answer | UserError]:
    try:
        return [_answer(trained, asked, explain) for asked in ask(trained, given)]
    except UserError as error:
        return [error]


def _answer(trained: Trained, asked: Question, explain: bool) -> Answer:
    explanation = asking.explain(trained, asked) if explain else None
    return Answer(asked, asking.answer(trained, asked), explanation)
