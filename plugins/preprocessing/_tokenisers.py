"""Tokenisers, trained on texts and kept as text."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.errors import UserError, first_line

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


def given(path: str, size: int) -> Tokenizer:
    """Return the tokeniser of a file, which neither cuts nor fills up.

    Args:
        size: tokens that the network knows.

    Raises:
        UserError: it cannot be read, is no tokeniser, or has more tokens than that.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    try:
        tokeniser = Tokenizer.from_str(Path(path).read_text(encoding="utf-8"))
    except Exception as error:  # the library raises bare exceptions
        raise UserError(
            f"The tokeniser “{path}” cannot be used: {first_line(error)}.",
            "Choose a tokenizer.json, or import the network again.",
        ) from error
    tokeniser.no_truncation()
    tokeniser.no_padding()
    largest = max(tokeniser.get_vocab(with_added_tokens=False).values(), default=0)
    if largest >= size:  # added tokens, such as one for masks, may be there without being used
        raise UserError(
            f"The tokeniser knows {largest + 1} tokens, but the vocabulary is set to {size}.",
            "Set the vocabulary to the number that the network was trained with.",
        )
    return tokeniser


def special_numbers(tokeniser: Tokenizer) -> dict[str, int]:
    """Return the numbers of the tokens for padding and for what is unknown: "padding", "unknown".

    They are found by what networks commonly call them; 0 for those that there are not.
    """
    names = {"padding": (PADDING, "<pad>", "<PAD>"), "unknown": (UNKNOWN, "<unk>", "<UNK>")}
    found = {}
    for what, spellings in names.items():
        numbers = (tokeniser.token_to_id(spelling) for spelling in spellings)
        found[what] = next((number for number in numbers if number is not None), 0)
    return found


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
