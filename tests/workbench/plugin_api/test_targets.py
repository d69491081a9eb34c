"""Targets as people write them are read again as they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED, DataInfo
from workbench.plugin_api.targets import expected, read_target, target_kind, write_target
from workbench.plugin_api.tensors import TensorType

ANY = TensorType((3,))
NAMES = ("O", "B-LOC", "walking up", "red, green")
SEVERAL = DataInfo(input=ANY, classes=NAMES, target=TensorType((4,), ("features",)))
STEPS = DataInfo(input=ANY, classes=NAMES, target=TensorType((None,), ("time",), "int64"))
PLAIN = DataInfo(input=ANY, classes=NAMES[:2], target=STEPS.target)
ONE = DataInfo(input=ANY, classes=NAMES)
NUMBERS = DataInfo(input=ANY, quantities=("mass", "age"), target=TensorType((2,), ("features",)))


@settings(max_examples=30)
@given(
    st.lists(st.integers(-1, 3), min_size=1, max_size=9),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_what_is_written_is_read_again(steps, holds):
    for data, target in (
        (STEPS, np.array(steps)),
        (STEPS, np.repeat(steps, 101)),
        (SEVERAL, np.array(holds, np.float32)),
        (NUMBERS, np.array([steps[0] / 7, 1e9 * steps[-1]], np.float32)),
    ):
        found = read_target(write_target(target, data), data)
        np.testing.assert_allclose(found, target, rtol=1e-6)
    assert (
        read_target(write_target(np.int64(holds.count(True) % 4), ONE), ONE)
        == holds.count(True) % 4
    )


def test_short_ways_to_write_them():
    assert read_target("O*3 B-LOC –", PLAIN).tolist() == [0, 0, 0, 1, IGNORED]
    assert read_target("walking up*2, O", STEPS).tolist() == [2, 2, 0]
    assert write_target(np.repeat([2, 0, -1], [90, 1, 20]), STEPS) == "walking up*90; O; –*20"
    assert read_target("", SEVERAL).tolist() == [0, 0, 0, 0]
    assert read_target("O, B-LOC; red, green", SEVERAL).tolist() == [1, 1, 0, 1]
    assert read_target("1.5 2", NUMBERS).tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("text", "data", "words"),
    [
        ("dog", ONE, "no class “dog”"),
        ("O; dog", SEVERAL, "no class “dog”"),
        ("O dog", PLAIN, "no class “dog”"),
        ("1", NUMBERS, "is not 2 numbers"),
        ("1; nan", NUMBERS, "is not 2 numbers"),
        ("1; x", NUMBERS, "mass; age"),
        ("1", DataInfo(input=ANY, target=TensorType((3, 1))), "cannot be written"),
    ],
)
def test_what_does_not_fit_is_told(text, data, words):
    with pytest.raises(UserError) as caught:
        read_target(text, data)
    assert words in str(caught.value)


def test_people_are_told_what_to_write():
    kinds = {target_kind(data): expected(data) for data in (ONE, SEVERAL, STEPS, NUMBERS)}
    assert kinds.keys() == {"class", "classes", "steps", "numbers"}
    assert "mass; age" in kinds["numbers"]
    assert "O, B-LOC" in kinds["class"]
