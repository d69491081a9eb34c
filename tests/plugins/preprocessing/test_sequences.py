"""Preparing series and texts: what is learned, what comes out, and the same in a script."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plugins.preprocessing.series import SeriesPreprocessing
from plugins.preprocessing.text import TextPreprocessing
from plugins.sources._series import SeriesSamples
from plugins.sources._texts import TextSamples
from workbench.errors import UserError

RNG = np.random.default_rng(0)
TEXTS = ["The film is good, very good.", "the film is bad!", "A bad, bad film", "Good"] * 5


def _series(*arrays):
    ends = np.cumsum([len(array) for array in arrays])
    count = len(arrays)
    names = [str(n) for n in range(count)]
    return SeriesSamples(
        np.concatenate(arrays).astype(np.float32),
        ends,
        np.zeros(count, int),
        names,
        np.arange(count),
    )


def _texts(texts=TEXTS):
    return TextSamples(texts, np.zeros(len(texts), int), np.arange(len(texts)))


def _prepared(preprocessing, raw, fitted):
    return preprocessing.scale(preprocessing.shape(raw), fitted)


def test_series_differ_in_length_or_not():
    ragged = _series(RNG.normal(size=(5, 2)), RNG.normal(size=(7, 2)))
    equal = _series(RNG.normal(size=(5, 2)), RNG.normal(size=(5, 2)))

    assert SeriesPreprocessing().output(ragged).varies
    assert SeriesPreprocessing().output(equal).shape == (5, 2)
    assert SeriesPreprocessing(longest=5).output(ragged).shape == (5, 2)
    assert SeriesPreprocessing(length=9).output(ragged).shape == (9, 2)


def test_standardised_channels_have_mean_zero_and_deviation_one():
    samples = _series(*(RNG.normal((3, -100), (2, 0.01), (n, 2)) for n in (50, 80, 20)))
    preprocessing = SeriesPreprocessing()
    fitted = json.loads(json.dumps(preprocessing.fit(samples)))

    every = np.concatenate([_prepared(preprocessing, samples.read(n), fitted) for n in range(3)])

    assert every.dtype == np.float32
    np.testing.assert_allclose(every.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(every.std(axis=0), 1, atol=1e-3)
    assert (fitted["longest"], fitted["mean_length"]) == (80, 50)


@pytest.mark.parametrize("scaling", ["standardise", "zero_one", "each_series", "none"])
def test_a_constant_channel_stays_finite(scaling):
    samples = _series(np.full((6, 1), 4.0), np.full((3, 1), 4.0))
    preprocessing = SeriesPreprocessing(scaling=scaling)

    found = _prepared(preprocessing, samples.read(0), preprocessing.fit(samples))

    assert found.tolist() == [[4.0 if scaling == "none" else 0.0]] * 6


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [("interpolate", [2, 2, 3, 4, 4]), ("previous", [2, 2, 2, 4, 4]), ("zero", [0, 2, 0, 4, 0])],
)
def test_missing_values(rule, wanted):
    raw = np.float32([[np.nan], [2], [np.nan], [4], [np.inf]])
    assert SeriesPreprocessing(missing=rule).shape(raw)[:, 0].tolist() == wanted


def test_missing_values_can_be_refused():
    raw = np.float32([[1, 2], [3, np.nan]])
    with pytest.raises(UserError, match="channel 2 is missing at step 2"):
        SeriesPreprocessing(missing="refuse").shape(raw)


def test_resampling_keeps_ends_and_straight_lines():
    found = SeriesPreprocessing(length=5).shape(np.float32([[0], [1], [2]]))
    assert found[:, 0].tolist() == [0, 0.5, 1, 1.5, 2]


@pytest.mark.parametrize("scaling", ["standardise", "zero_one", "each_series", "none"])
def test_the_script_prepares_series_alike(tmp_path, scaling):
    raw = RNG.normal(size=(12, 3)).astype(np.float32)
    preprocessing = SeriesPreprocessing(scaling=scaling, longest=10)
    fitted = preprocessing.fit(_series(raw, raw[:7] * 3))
    path = tmp_path / "series.csv"
    path.write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in raw.tolist()))

    script = {}
    exec(preprocessing.python_source(fitted), script)
    ours = _prepared(preprocessing, preprocessing.read_file(str(path)), fitted)

    np.testing.assert_array_equal(script["load"](str(path)), ours)
    np.testing.assert_array_equal(ours, _prepared(preprocessing, raw, fitted))


@pytest.mark.parametrize("tokeniser", ["words", "characters", "byte_pair", "word_piece"])
def test_the_script_tokenises_alike(tmp_path, tokeniser):
    preprocessing = TextPreprocessing(tokeniser=tokeniser, vocabulary_size=400, longest=12)
    fitted = json.loads(json.dumps(preprocessing.fit(_texts())))
    path = tmp_path / "text.txt"
    path.write_text("The film was üñknown, but good.", encoding="utf-8")

    script = {}
    exec(preprocessing.python_source(fitted), script)
    ours = _prepared(preprocessing, preprocessing.read_file(str(path)), fitted)

    assert ours.dtype == np.int64
    assert ours.min() > 0
    assert ours.max() < fitted["tokens"] <= 400
    assert len(ours) <= 12
    np.testing.assert_array_equal(script["load"](str(path)), ours)


def test_words_are_numbered_by_frequency_and_rare_ones_unknown():
    preprocessing = TextPreprocessing(vocabulary_size=5)
    fitted = preprocessing.fit(_texts())

    found = _prepared(preprocessing, np.array("Bad film, GOOD plot"), fitted)

    assert fitted["tokens"] == 5
    assert len(found) == 5
    assert (found == 1).any()
    assert _prepared(preprocessing, np.array("plot"), fitted).tolist() == [1]


def test_lengths_and_fixed_length():
    fitted = TextPreprocessing(longest=4).fit(_texts())
    fixed = TextPreprocessing(length=6)

    assert fitted["longest"] == 4
    assert 0 < fitted["cut"] < 1
    assert TextPreprocessing().output(_texts()).varies
    assert fixed.output(_texts()).shape == (6,)
    assert _prepared(fixed, np.array("good"), fixed.fit(_texts())).tolist()[1:] == [0] * 5


def test_nothing_of_a_text_still_gives_a_token():
    preprocessing = TextPreprocessing()
    assert _prepared(preprocessing, np.array("  "), preprocessing.fit(_texts())).tolist() == [1]


def test_what_cannot_be_used_is_said(tmp_path):
    (tmp_path / "empty.txt").write_text(" ")
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    for preprocessing, name, message in (
        (TextPreprocessing(), "empty.txt", "it is empty"),
        (TextPreprocessing(), "none.txt", "No such file"),
        (SeriesPreprocessing(), "words.csv", "line 2 is not a row of numbers"),
    ):
        with pytest.raises(UserError, match=message):
            preprocessing.read_file(str(tmp_path / name))
    with pytest.raises(UserError, match="The text is empty"):
        TextPreprocessing().read_text(" ")


def test_lengths_and_what_series_lack_are_measured():
    one, two = RNG.normal(size=(5, 3)), RNG.normal(size=(7, 3))
    one[:, 1] = two[:, 1] = 4.0
    two[2, 0] = np.nan
    found = SeriesPreprocessing(longest=6).measure(_series(one, two))

    assert (found.steps.tolist(), found.limit, found.unit) == ([5, 7], 6, "steps")
    assert found.notes == (
        "1 of 2 series have missing values; filled along a straight line between neighbours.",
        "Channel 2 never changes, so nothing can be learned from there.",
    )
    assert SeriesPreprocessing(length=6).measure(_series(two, two)).limit is None


@pytest.mark.parametrize("settings", [{"longest": 3}, {"length": 3}])
def test_tokens_are_counted_before_texts_are_cut(settings):
    found = TextPreprocessing(**settings).measure(_texts(["a b c d", "a", " "]))
    assert (found.steps.tolist(), found.limit, found.unit) == ([4, 1, 1], 3, "tokens")


def test_a_sound_to_predict_gets_the_rate_that_was_trained_with(tmp_path):
    import soundfile

    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / "tone.flac", tone, 16000)
    samples = _series(np.zeros((800, 1)), np.ones((800, 1)))
    samples.sample_rate = 8000
    preprocessing = SeriesPreprocessing(scaling="none")
    fitted = json.loads(json.dumps(preprocessing.fit(samples)))

    found = preprocessing.resolved(fitted).read_file(str(tmp_path / "tone.flac"))

    expected = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    np.testing.assert_allclose(found[:, 0], expected, atol=2e-3)
    space = {}
    exec(preprocessing.python_source(fitted), space)
    np.testing.assert_array_equal(space["load"](str(tmp_path / "tone.flac")), found)
