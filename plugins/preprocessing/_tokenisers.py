"""Tokenisers, trained on texts and kept as text."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tokenizers import Tokenizer

    from workbench.plugin_api.data import Samples

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""The tokens with the numbers 0 and 1."""
PADDING_ID, UNKNOWN_ID = 0, 1
FIT_TEXTS = 200_000
"""A tokeniser learns from at most so many texts, spread evenly over the split."""
Kind = Literal["words", "spaced_words", "characters", "byte_pair", "word_piece"]


def trained(
    texts: Iterable[str], kind: Kind, size: int, *, lower_case: bool, continuous: bool = False
) -> Tokenizer:
    """Return a tokeniser of `size` tokens at most.

    Args:
        continuous: the texts are parts of one that goes on: ends of lines are tokens, and what was
            taken apart can be put together again.
    """
    # Its own threads would not survive the fork of the processes that load samples.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    special = {"special_tokens": [PADDING, UNKNOWN], "show_progress": False}
    model: Any
    decoder: Any = decoders.Fuse()
    match kind:
        case "words":
            model = models.WordLevel(unk_token=UNKNOWN)
            trainer = trainers.WordLevelTrainer(vocab_size=size, **special)
            parts = pre_tokenizers.Whitespace()
            if continuous:
                wanted = Regex(r"\n|\w+(?:['’]\w+)*|[^\w\s]")
                parts = pre_tokenizers.Split(wanted, "removed", invert=True)
        case "spaced_words":
            model = models.WordLevel(unk_token=UNKNOWN)
            trainer = trainers.WordLevelTrainer(vocab_size=size, **special)
            parts = pre_tokenizers.WhitespaceSplit()
        case "characters":
            model = models.WordLevel(unk_token=UNKNOWN)
            trainer = trainers.WordLevelTrainer(vocab_size=size, **special)
            parts = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
        case "byte_pair":
            model = models.BPE(unk_token=UNKNOWN)
            alphabet = pre_tokenizers.ByteLevel.alphabet()
            trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, **special)
            parts = pre_tokenizers.ByteLevel(add_prefix_space=not continuous)
            decoder = decoders.ByteLevel()
        case "word_piece":
            model = models.WordPiece(unk_token=UNKNOWN)
            trainer = trainers.WordPieceTrainer(vocab_size=size, **special)
            parts = pre_tokenizers.BertPreTokenizer()
            decoder = decoders.WordPiece()
    tokeniser = Tokenizer(model)
    form = normalizers.NFC() if continuous else normalizers.NFKC()
    steps = [form, *([normalizers.Lowercase()] if lower_case else [])]
    tokeniser.normalizer = normalizers.Sequence(steps)
    tokeniser.pre_tokenizer = parts
    if continuous:
        tokeniser.decoder = decoder
    tokeniser.train_from_iterator(texts, trainer)
    return tokeniser


@lru_cache(maxsize=4)
def loaded(description: str) -> Tokenizer:
    """Return the tokeniser that a run has saved, ready to use."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    return Tokenizer.from_str(description)


def spread_texts(samples: Samples, most: int) -> Iterator[str]:
    """Yield at most so many readable texts, spread evenly over the samples."""
    for index in np.unique(np.linspace(0, len(samples) - 1, most).astype(int)).tolist():
        try:
            yield str(samples.read(index).item())
        except UserError:
            continue  # reported when training comes to it
