from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets import texts
from widgets.fuzzy import NO_MATCH, score
from workbench.document.training import AdamW, OneCycle, RMSprop

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.001, "0.001"),
        (1e-8, "1e-8"),
        (4e-6, "4e-6"),
        (0.0005, "5e-4"),
        (1.0, "1"),
        (0.25, "0.25"),
    ],
)
def test_decimals_are_short(number, text):
    assert texts.decimal(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_decimals_read_back_as_the_same_number(number):
    assert float(texts.decimal(number)) == number


def test_digits_stand_in_groups():
    assert texts.grouped(18496) == f"18{NARROW}496"
    assert texts.counted(1, "layer") == "1 layer"
    assert texts.counted(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "less than 1 s"), (12, "12 s"), (72, "1 min 12 s"), (3600, "1 h"), (7320, "2 h 2 min")],
)
def test_durations_have_two_units(seconds, text):
    assert texts.duration(seconds) == text


def test_amounts_have_three_digits():
    assert texts.short_count(12_400_000) == "12.4 M"
    assert texts.byte_size(1.9e9) == "1.9 GB"
    assert texts.byte_size(512) == "512 B"


def test_choices_and_classes_are_words():
    assert texts.choice_title("he_normal") == "He normal"
    assert texts.choice_title("relu") == "ReLU"
    assert texts.choice_title("same") == "same"
    assert [texts.class_title(kind) for kind in (AdamW, OneCycle, RMSprop)] == [
        "AdamW",
        "One cycle",
        "RMSprop",
    ]


def test_better_matches_score_higher():
    titles = ["Conv 2D", "Transposed conv", "Continue for more epochs…", "Dense"]
    ranked = sorted(titles, key=lambda title: -score("conv", title))
    assert ranked[:2] == ["Conv 2D", "Transposed conv"]
    assert score("cnv2", "Conv 2D") > 0
    assert score("conv", "Dense") == NO_MATCH
