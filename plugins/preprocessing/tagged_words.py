"""Words with one tag each, to token numbers with one class each."""

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
    loaded,
    spread_texts,
    trained,
)
from workbench.errors import UserError
from workbench.plugin_api import texts
from workbench.plugin_api.data import IGNORED, Kind, raw_target
from workbench.plugin_api.parameters import param
from workbench.plugin_api.preprocessing import Preprocessing
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples


class TaggedWords(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words as the data part them; of a word of several tokens the first bears the tag."""

    id: ClassVar[str] = "tagged_words"
    title: ClassVar[str] = "Words with tags"
    kind: ClassVar[Kind] = "texts"

    tokeniser: Annotated[
        Literal["words", "byte_pair", "word_piece"],
        param(
            "Tokens",
            "Whole words; or parts of words that are frequent in the training texts: byte-pair "
            "encoding (Sennrich, 2016) or WordPiece (Wu, 2016)",
        ),
    ] = "words"
    vocabulary_size: VocabularySize = 10_000
    lower_case: LowerCase = False
    longest: CutAfter = 128
    length: FixedLength = None

    def output(self, samples: Samples) -> TensorType:
        """Return tokens over time; reads nothing."""
        return TensorType((self.length,), ("time",), "int64")

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType | None:
        """Return a class for each token; raises UserError where words have none."""
        if given is None or given.axes != ("time",) or given.dtype != "int64":
            raise UserError(
                "These data have no tag for each word.",
                "Choose “Texts” as preparation, or data with tagged words.",
            )
        return TensorType((self.length,), ("time",), "int64")

    @property
    def vocabulary(self) -> int:
        """Number of different tokens at most."""
        return self.vocabulary_size

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Train the tokeniser, and measure how long the sentences are."""
        tokeniser = trained(
            spread_texts(samples, FIT_TEXTS),
            "spaced_words" if self.tokeniser == "words" else self.tokeniser,
            self.vocabulary_size,
            lower_case=self.lower_case,
        )
        fitted = {"tokenizer": tokeniser.to_str(), "tokens": tokeniser.get_vocab_size()}
        found = spread_texts(samples, MEASURED_TEXTS)
        lengths = np.array([len(self.pieces(text, fitted)[0]) for text in found], np.int64)
        return {**fitted, **of_lengths(lengths, self.longest)}

    def arranged(self, samples: Samples, fitted: dict[str, Any] | None) -> Samples:
        """Return the same sentences with a class for each token."""
        return samples if fitted is None else _Aligned(samples, self, fitted)

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the words as they are."""
        return raw

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.int64]:
        """Return token numbers."""
        found = self.pieces(str(shaped.item()), fitted)[0]
        if self.length is not None:
            found = np.pad(found, (0, self.length - len(found)), constant_values=PADDING_ID)
        return found

    def pieces(
        self, text: str, fitted: dict[str, Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tokens of words parted by spaces, and which of them begin a word."""
        words = text.split()
        found = loaded(fitted["tokenizer"]).encode(words, is_pretokenized=True)
        by_word: list[list[int]] = [[] for _ in words]
        for number, word in zip(found.ids, found.word_ids, strict=True):
            if word is not None:
                by_word[word].append(number)
        tokens: list[int] = []
        starts: list[int] = []
        for numbers in by_word:
            starts.append(len(tokens))
            tokens += numbers or [UNKNOWN_ID]
        most = self.length or self.longest
        begins = np.array(starts, np.int64)
        return np.array(tokens[:most] or [UNKNOWN_ID], np.int64), begins[begins < most]

    def read_file(self, path: str) -> NDArray[Any]:
        """Read a text file; punctuation is parted from words."""
        return self.read_text(text_of(path))

    def read_text(self, text: str) -> NDArray[Any]:
        """Take a typed text, punctuation parted from words; raises UserError for an empty one."""
        words = texts.words(text)
        if not words:
            raise UserError("The text is empty.", "Type at least one word.")
        return np.array(" ".join(words))

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the tokeniser and `load(path)`; the script needs the package tokenizers."""
        cut = self.length or self.longest
        fill = (
            f"\n    found += [{PADDING_ID}] * ({self.length} - len(found))" if self.length else ""
        )
        return (
            "import codecs\nimport re\n\nimport numpy as np\nfrom tokenizers import Tokenizer\n\n"
            f"TOKENIZER = Tokenizer.from_str({fitted['tokenizer']!r})\n\n\n"
            f"{inspect.getsource(texts.read_text)}\n\n{inspect.getsource(texts.decoded)}\n\n"
            f"{inspect.getsource(texts.words)}\n\n"
            "def tokens(text: str) -> tuple[np.ndarray, list[tuple[str, int]]]:\n"
            '    """Return token numbers, and each word with the place of its first token."""\n'
            "    parts = words(text)\n"
            "    encoded = TOKENIZER.encode(parts, is_pretokenized=True)\n"
            "    numbers = [[] for _ in parts]\n"
            "    for number, word in zip(encoded.ids, encoded.word_ids):\n"
            "        numbers[word].append(number)\n"
            "    found, starts = [], []\n"
            "    for word, own in zip(parts, numbers):\n"
            f"        if len(found) < {cut}:\n"
            "            starts.append((word, len(found)))\n"
            f"        found += own or [{UNKNOWN_ID}]\n"
            f"    found = found[:{cut}] or [{UNKNOWN_ID}]{fill}\n"
            "    return np.array(found, np.int64), starts\n\n\n"
            "def load(path: str) -> np.ndarray:\n"
            '    """Read a text file as the network takes it: token numbers."""\n'
            "    return tokens(read_text(path))[0]\n"
        )


class _Aligned:
    """Sentences whose targets are as long as their tokens.

    The first token of a word has its tag, the others are IGNORED.
    """

    def __init__(
        self, samples: Samples, preprocessing: TaggedWords, fitted: dict[str, Any]
    ) -> None:
        self._samples = samples
        self._preprocessing = preprocessing
        self._fitted = fitted

    def __len__(self) -> int:
        return len(self._samples)

    def read(self, index: int) -> NDArray[Any]:
        return self._samples.read(index)

    def name(self, index: int) -> str:
        return self._samples.name(index)

    def target(self, index: int) -> NDArray[np.int64]:
        tags = raw_target(self._samples, index)
        tokens, starts = self._preprocessing.pieces(str(self.read(index).item()), self._fitted)
        found = np.full(self._preprocessing.length or len(tokens), IGNORED, np.int64)
        found[starts] = tags[: len(starts)]
        return found

    @property
    def targets(self) -> NDArray[np.int64]:
        return self._samples.targets

    @property
    def class_counts(self) -> tuple[int, ...]:
        found: tuple[int, ...] = getattr(self._samples, "class_counts", ())
        return found
