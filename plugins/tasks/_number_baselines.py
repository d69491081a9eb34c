"""Simple answers that a network for numbers should beat: the mean, and a linear model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugins.tasks._class_baselines import chosen_texts, text_features
from plugins.tasks._number_scores import number_scores
from plugins.tasks._plain_features import MOST_LEARNED, plain_features, spread
from workbench.plugin_api.data import raw_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.task import Context

PENALTY = 1.0


def mean(train: Samples, judged: Samples) -> dict[str, dict[str, float]]:
    """Return what answering always with the training split's mean reaches."""
    true = _targets(judged, range(len(judged)))
    usual = _targets(train, chosen_texts(train)).mean(axis=0)
    return {"mean": number_scores(np.broadcast_to(usual, true.shape), true)}


def linear(context: Context, train: Samples, judged: Samples) -> dict[str, dict[str, float]]:
    """Return what ridge regression reaches on what the network gets.

    Of texts that are words and pairs of words, weighted by TF-IDF; of pictures and long series
    means of blocks; of series that differ in length, mean, deviation and ends of each channel.
    """
    from sklearn.linear_model import Ridge

    if context.info.kind == "texts":
        features = text_features(train, spread(train), judged, spread(judged))
    else:
        features = plain_features(context, train, judged)
    if features is None or len(features[2]) < 2:
        return {}
    inputs, tests, learned, judging = features
    model = Ridge(alpha=PENALTY).fit(inputs, _targets(train, learned))
    true = _targets(judged, judging)
    found = np.asarray(model.predict(tests)).reshape(true.shape)
    part = f" ({len(learned)} of {len(train)} samples)" if len(train) > MOST_LEARNED else ""
    return {f"linear model{part}": number_scores(found, true)}


def _targets(samples: Samples, numbers: Sequence[int] | range) -> NDArray[np.float64]:
    return np.stack([raw_target(samples, number) for number in numbers]).astype(np.float64)
