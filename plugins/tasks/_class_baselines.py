"""Simple answers that a classifier should beat: the most frequent class, a bag of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.tasks._plain_features import plain_features
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.task import Context

MOST_TEXTS = 20_000
"""A bag of words learns from at most so many texts, and is judged by as many."""
MOST_CHARACTERS = 2000
"""Of each text are read."""
MOST_FEATURES = 50_000


def majority(
    train: NDArray[np.int64], judged: NDArray[np.int64], classes: int
) -> dict[str, dict[str, float]]:
    """Return what answering always with the training split's largest class reaches."""
    largest = int(np.bincount(train, minlength=classes).argmax())
    share = float((judged == largest).mean())
    present = max(len(np.union1d(judged, [largest])), 1)
    return {"most frequent class": {"accuracy": share, "f1": 2 * share / (1 + share) / present}}


def bag_of_words(train: Samples, judged: Samples, classes: int) -> dict[str, dict[str, float]]:
    """Return the score of logistic regression on words and pairs of words, weighted by TF-IDF.

    Nothing where the texts hold no words.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score

    learned, judging = chosen_texts(train), chosen_texts(judged)
    known = np.unique(train.targets[learned])
    if len(known) < 2:
        return {}
    features = text_features(train, learned, judged, judging)
    if features is None:
        return {}
    inputs, tests, kept, judged_kept = features
    model = LogisticRegression(C=4.0, max_iter=200).fit(inputs, train.targets[kept])
    answers, targets = model.predict(tests), judged.targets[judged_kept]
    found = {
        "accuracy": float(accuracy_score(targets, answers)),
        "f1": float(f1_score(targets, answers, average="macro", zero_division=0.0)),
    }
    return {bag_title(train, judged): found}


def logistic_regression(
    context: Context, train: Samples, judged: Samples
) -> dict[str, dict[str, float]]:
    """Return the score of logistic regression on what the network gets.

    Nothing where there is one class only.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score

    features = plain_features(context, train, judged)
    if features is None or len(np.unique(train.targets[features[2]])) < 2:
        return {}
    inputs, tests, kept, judged_kept = features
    model = LogisticRegression(max_iter=300).fit(inputs, train.targets[kept])
    answers, targets = model.predict(tests), judged.targets[judged_kept]
    found = {
        "accuracy": float(accuracy_score(targets, answers)),
        "f1": float(f1_score(targets, answers, average="macro", zero_division=0.0)),
    }
    return {"logistic regression": found}


def bag_title(train: Samples, judged: Samples) -> str:
    """Return the name of the baseline, with what part of the texts it used."""
    parts = []
    if len(train) > MOST_TEXTS:
        parts.append(f"learned from {MOST_TEXTS} of {len(train)} texts")
    if len(judged) > MOST_TEXTS:
        parts.append(f"judged by {MOST_TEXTS} of {len(judged)}")
    return f"bag of words ({', '.join(parts)})" if parts else "bag of words"


def text_features(
    train: Samples, learned: Sequence[int], judged: Samples, judging: Sequence[int]
) -> tuple[Any, Any, list[int], list[int]] | None:
    """Return weighted counts of both, and the numbers of the texts that could be read."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, kept = _read(train, learned)
    tests, judged_kept = _read(judged, judging)
    if not texts or not tests:
        return None
    counter = TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        max_features=MOST_FEATURES,
        token_pattern=r"\w+|[^\w\s]",
    )
    try:
        inputs = counter.fit_transform(texts)
    except ValueError:  # no words in any text
        return None
    return inputs, counter.transform(tests), kept, judged_kept


def chosen_texts(samples: Samples) -> list[int]:
    """Return the numbers of at most `MOST_TEXTS` samples, spread evenly."""
    numbers: list[int] = np.unique(
        np.linspace(0, len(samples) - 1, MOST_TEXTS).astype(int)
    ).tolist()
    return numbers


def _read(samples: Samples, numbers: Sequence[int]) -> tuple[list[str], list[int]]:
    texts, kept = [], []
    for number in numbers:
        try:
            texts.append(str(samples.read(number).item())[:MOST_CHARACTERS])
        except UserError:
            continue  # reported when training comes to it
        kept.append(number)
    return texts, kept
