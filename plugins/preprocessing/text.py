"""Texts to token numbers, by a tokeniser that is trained on the training split."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.preprocessing._texts import (
    MEASURED_TEXTS,
    CutAfter,
    FixedLength,
    LowerCase,
    VocabularySize,
    of_lengths,
    text_of,
)
from plugins.preprocessing._tokenisers import (
    FIT_TEXTS,
    PADDING_ID,
    UNKNOWN_ID,
    given,
    loaded,
    special_numbers,
    spread_texts,
    trained,
)
from workbench.errors import UserError
from workbench.plugin_api import texts
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.preprocessing import Lengths, Preprocessing, Word
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from workbench.plugin_api.data import Samples

CHUNK = 1000
"""Texts that are tokenised in one go while they are measured."""


class TextPreprocessing(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokeniser, vocabulary and length of texts."""

    id: ClassVar[str] = "text"
    title: ClassVar[str] = "Texts"
    kind: ClassVar[Kind] = "texts"

    tokeniser: Annotated[
        Literal["words", "characters", "byte_pair", "word_piece", "given"],
        param(
            "Tokens",
            "Words and punctuation; single characters; parts of words that are frequent in "
            "the training texts: byte-pair encoding (Sennrich, 2016) or WordPiece (Wu, 2016); or "
            "those of a tokeniser that is given, as a pretrained network needs it",
        ),
    ] = "words"
    file: Annotated[
        str,
        param(
            "Tokeniser",
            "A tokenizer.json of Hugging Face",
            shown_if=("tokeniser", ("given",)),
            path="file",
        ),
    ] = ""
    vocabulary_size: VocabularySize = 10_000
    lower_case: LowerCase = True
    longest: CutAfter = 256
    length: FixedLength = None

    def output(self, samples: Samples) -> TensorType:
        """Return tokens over time; reads nothing."""
        return TensorType((self.length,), ("time",), "int64")

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType | None:
        """Return the source's; raises UserError where each word has a target of its own."""
        if given is not None and given.axes[:1] == ("time",):
            raise UserError(
                "The data bring a tag for each word, but this preparation takes whole texts.",
                "Choose “Words with tags” as preparation.",
            )
        return given

    @property
    def vocabulary(self) -> int:
        """Number of different tokens at most."""
        return self.vocabulary_size

    def longest_of(self, samples: Samples) -> int:
        """Return after how many tokens a text is cut."""
        return self.length or self.longest

    def measure(self, samples: Samples) -> Lengths:
        """Count the tokens of the texts, as `fit` does."""
        lengths = self._lengths(self._trained(samples), samples)
        return Lengths(lengths, self.length or self.longest, "tokens")

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Train the tokeniser, or read the one that is given, and measure how long texts are.

        Raises:
            UserError: the given one is gone, is none, or knows more tokens than the vocabulary.
        """
        tokeniser = self._trained(samples)
        lengths = of_lengths(self._lengths(tokeniser, samples), self.longest)
        special = {}
        if self.tokeniser == "given":
            special = special_numbers(tokeniser)
            # It cuts by itself, so that the tokens with which it ends a text stay.
            tokeniser.enable_truncation(self.length or self.longest)
        return {
            "tokenizer": tokeniser.to_str(),
            "tokens": tokeniser.get_vocab_size(),
            **special,
            **lengths,
        }

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the text as it is."""
        return raw

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.int64]:
        """Return token numbers; one unknown token for a text that has none at all."""
        tokeniser = loaded(fitted["tokenizer"])
        numbers = tokeniser.encode(str(shaped.item())).ids[: self.length or self.longest]
        found = np.array(numbers or [fitted.get("unknown", UNKNOWN_ID)], np.int64)
        if self.length is not None:
            filling = fitted.get("padding", PADDING_ID)
            found = np.pad(found, (0, self.length - len(found)), constant_values=filling)
        return found

    def words(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> list[Word]:
        """Return the characters behind each token."""
        text = str(shaped.item())
        found = loaded(fitted["tokenizer"]).encode(text)
        cut, unknown = self.length or self.longest, fitted.get("unknown", UNKNOWN_ID)
        words = [
            Word(text[start:end], start, number != unknown)
            for (start, end), number in zip(found.offsets[:cut], found.ids[:cut], strict=True)
        ]
        words = words or [Word(text, is_known=False)]
        return words + [Word("")] * ((self.length or 0) - len(words))

    def tokens(self, fitted: dict[str, Any]) -> list[str]:
        """Return the tokens of the tokeniser."""
        tokeniser = loaded(fitted["tokenizer"])
        return [str(tokeniser.id_to_token(n)) for n in range(tokeniser.get_vocab_size())]

    def read_file(self, path: str) -> NDArray[Any]:
        """Read a text file of any common encoding as one text."""
        return np.array(text_of(path))

    def read_text(self, text: str) -> NDArray[Any]:
        """Take a typed text; raises UserError for an empty one."""
        if not text.strip():
            raise UserError("The text is empty.", "Type at least one word.")
        return np.array(text)

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the tokeniser and `load(path)`; the script needs the package tokenizers."""
        cut = self.length or self.longest
        unknown = fitted.get("unknown", UNKNOWN_ID)
        filling = fitted.get("padding", PADDING_ID)
        fill = ""
        if self.length:
            fill = f"\n    numbers += [{filling}] * ({self.length} - len(numbers))"
        return (
            "import codecs\n\nimport numpy as np\nfrom tokenizers import Tokenizer\n\n"
            f"TOKENIZER = Tokenizer.from_str({fitted['tokenizer']!r})\n\n\n"
            f"{inspect.getsource(texts.read_text)}\n\n{inspect.getsource(texts.decoded)}\n\n"
            "def tokens(text: str) -> np.ndarray:\n"
            '    """Return the token numbers that the network takes."""\n'
            f"    numbers = TOKENIZER.encode(text).ids[:{cut}] or [{unknown}]{fill}\n"
            "    return np.array(numbers, np.int64)\n\n\n"
            "def load(path: str) -> np.ndarray:\n"
            '    """Read a text file as the network takes it: token numbers."""\n'
            "    return tokens(read_text(path))\n"
        )

    def _trained(self, samples: Samples) -> Tokenizer:
        if self.tokeniser == "given":
            return given(self.file, self.vocabulary_size)
        return trained(
            spread_texts(samples, FIT_TEXTS),
            self.tokeniser,
            self.vocabulary_size,
            lower_case=self.lower_case,
        )

    def _lengths(self, tokeniser: Tokenizer, samples: Samples) -> NDArray[np.int64]:
        lengths: list[int] = []
        chunk: list[str] = []
        for text in spread_texts(samples, MEASURED_TEXTS):
            chunk.append(text)
            if len(chunk) == CHUNK:
                lengths += [max(len(each.ids), 1) for each in tokeniser.encode_batch(chunk)]
                chunk = []
        lengths += [max(len(each.ids), 1) for each in tokeniser.encode_batch(chunk)]
        return np.array(lengths, np.int64)
