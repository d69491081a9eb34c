"""What msgspec says of a value is told in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from workbench.document.experiment import Experiment
from workbench.errors import in_words


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document, Experiment)
    return in_words(caught.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"training": {"epochs": 0}}, "training.epochs: it must be a whole number of at least 1"),
        ({"training": {"epochs": "x"}}, "training.epochs: it must be a whole number"),
        ({"training": {"clip_norm": 0}}, "training.clip_norm: it must be a number above 0"),
        ({"training": {"clip_norm": []}}, "training.clip_norm: it must be a number or empty"),
        ({"name": 3}, "name: it must be text"),
        ({"shape": 3}, "there is no “shape”"),
        ({"task": {"type": "x", "colour": 1}}, "task: there is no “colour”"),
    ],
    ids=str,
)
def test_a_refusal_names_the_place_and_what_fits(document, words):
    assert refusal(document) == words


def test_other_errors_stay_as_they_are():
    assert in_words(ValueError("no such thing")) == "no such thing"
