"""A text as a stream of tokens, and words with tags: there and back, and learned from training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.preprocessing.tagged_words import TaggedWords
from plugins.preprocessing.text_stream import TextStream
from plugins.sources._texts import TextSamples
from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED

TEXT = ["“Emma,” said he;\nthe naïve one’s house was 30 miles off.\n"] * 9 + ["No end of line"]


def _samples(texts=TEXT):
    return TextSamples(texts, np.zeros(len(texts), int), np.arange(len(texts)))


BYTES = TextStream(vocabulary_size=300, context=16)
FITTED = BYTES.fit(_samples())


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_byte_pairs_bring_any_text_back(text):
    import unicodedata

    tokens = BYTES.encoded(text, FITTED)
    wanted = unicodedata.normalize("NFC", text)
    assert BYTES.decoded(tokens.tolist(), FITTED) == (wanted or "\n")
    assert BYTES.characters(FITTED)[tokens].sum() == len(wanted or "\n")


def test_words_come_back_as_they_are_usually_written():
    words = TextStream(tokeniser="words", vocabulary_size=100, context=16)
    fitted = words.fit(_samples())
    assert words.decoded(words.encoded(TEXT[0], fitted).tolist(), fitted) == TEXT[0]
    assert words.characters(fitted) is None


def test_the_stream_is_all_texts_one_after_the_other():
    windows = BYTES.arranged(_samples(), FITTED)
    assert windows.stream.dtype == np.uint16
    assert BYTES.decoded(windows.stream.tolist(), FITTED) == "".join(TEXT) + "\n"
    assert BYTES.scale(BYTES.read_text("Emma"), FITTED).shape == (16,)
    np.testing.assert_array_equal(BYTES.scale(windows.read(0), FITTED), windows.read(0))


def test_too_few_tokens_for_bytes_are_refused():
    with pytest.raises(UserError, match="too small"):
        TextStream(vocabulary_size=200).fit(_samples())


class _Tagged(TextSamples):
    def target(self, index):
        return np.arange(len(self.read(index).item().split()))


@pytest.mark.parametrize("kind", ["words", "byte_pair", "word_piece"])
def test_the_first_piece_of_a_word_bears_its_tag(kind):
    texts = ["unfathomable Emma Woodhouse", "Emma sees Highbury-upon-Avon", "a b c d e"]
    samples = _Tagged(texts, np.zeros(3, int), np.arange(3))
    preprocessing = TaggedWords(tokeniser=kind, vocabulary_size=300, longest=4)
    fitted = preprocessing.fit(samples)
    arranged = preprocessing.arranged(samples, fitted)
    for index, text in enumerate(texts):
        tokens = preprocessing.scale(samples.read(index), fitted)
        tags = arranged.target(index)
        assert len(tokens) == len(tags) <= 4
        assert tags[tags != IGNORED].tolist() == list(range((tags != IGNORED).sum()))
        if kind == "words":
            assert tags.tolist() == list(range(min(len(text.split()), 4)))
