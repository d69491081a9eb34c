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
    from workbench.inspecting.answers import ExplainMethod
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
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class How:
    """How answers are explained.

    Attributes:
        target: name of the class; empty: the likeliest.
        layer: for Grad-CAM; empty: the last one before pooling.
    """

    method: ExplainMethod = "integrated-gradients"
    target: str = ""
    layer: str = ""


def predict_files(
    folder: RunFolder,
    paths: Sequence[Path],
    catalog: Catalog,
    which: Which = "best",
    *,
    explain: How | None = None,
) -> list[tuple[Path, Answer | UserError]]:
    """Return an answer for each file, or for each series in it.

    A file that cannot be read gets its error instead.

    Args:
        explain: how to say what each answer rests on; None: not at all.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which, differentiable=_needs_gradients(explain))
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
    explain: How | None = None,
) -> list[tuple[str, Answer | UserError]]:
    """Return an answer for each typed text; one that cannot be used gets its error instead.

    Args:
        explain: how to say what each answer rests on; None: not at all.

    Raises:
        UserError: the run cannot answer yet.
    """
    trained = open_trained(folder, catalog, which, differentiable=_needs_gradients(explain))
    return [
        (text, answer)
        for text in texts
        for answer in _answers(trained, lambda t, one: [asking.typed(t, one)], text, explain)
    ]


def _answers(
    trained: Trained, ask: Callable[[Trained, str], list[Question]], given: str, explain: How | None
) -> list[Answer | UserError]:
    try:
        return [_answer(trained, asked, explain) for asked in ask(trained, given)]
    except UserError as error:
        return [error]


def _answer(trained: Trained, asked: Question, how: How | None) -> Answer:
    explanation = None
    if how is not None:
        target = _number(trained, how.target) if how.target else None
        explanation = asking.explain(trained, asked, target, method=how.method, layer=how.layer)
    return Answer(asked, asking.answer(trained, asked), explanation, trained.info.classes)


def _needs_gradients(how: How | None) -> bool:
    return how is not None and how.method != "occlusion"


def _number(trained: Trained, name: str) -> int:
    classes = trained.info.classes
    if name not in classes:
        shown = ", ".join(classes[:20])
        raise UserError(f"There is no class “{name}”.", f"There are: {shown}.")
    return classes.index(name)
