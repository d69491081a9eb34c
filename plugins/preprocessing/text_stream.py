"""Texts as one that goes on: a stream of tokens, cut into windows of what a network sees."""

from __future__ import annotations

import inspect
import re
import tempfile
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np

from plugins.preprocessing._texts import LowerCase, VocabularySize, text_of
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
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.preprocessing import Preprocessing
from workbench.plugin_api.tensors import TensorType
from workbench.plugin_api.writing import TokenWindows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples

CHUNK = 256
"""Texts that are tokenised in one go."""


class TextStream(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All texts of a split one after the other, to learn which token comes next."""

    id: ClassVar[str] = "text_stream"
    title: ClassVar[str] = "Text that goes on"
    kind: ClassVar[Kind] = "texts"
    makes_targets: ClassVar[bool] = True

    tokeniser: Annotated[
        Literal["byte_pair", "characters", "words"],
        param(
            "Tokens",
            "Parts of words that are frequent in the training text (byte-pair encoding, Sennrich, "
            "2016), of which any text can be made; single characters; or words and punctuation",
        ),
    ] = "byte_pair"
    vocabulary_size: VocabularySize = 2000
    lower_case: LowerCase = False
    context: Annotated[
        int,
        param("Context", "Tokens that the network sees at most", minimum=1, unit="tokens"),
    ] = 128
    stride: Annotated[
        Size | None,
        param(
            "Stride",
            "From the start of one window to that of the next; empty: as much as the context, so "
            "that each token is learned once an epoch",
            unit="tokens",
        ),
    ] = None

    def output(self, samples: Samples) -> TensorType:
        """Return tokens over time; reads nothing."""
        return TensorType((self.context,), ("time",), "int64")

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType:
        """Return the tokens that follow."""
        return TensorType((self.context,), ("time",), "int64")

    @property
    def vocabulary(self) -> int:
        """Number of different tokens at most."""
        return self.vocabulary_size

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Train the tokeniser."""
        if self.tokeniser == "byte_pair" and self.vocabulary_size < 258:
            raise UserError(
                f"A vocabulary of {self.vocabulary_size} is too small for byte-pair encoding.",
                "It takes 258 at least: every byte, padding and unknown.",
            )
        found = trained(
            spread_texts(samples, FIT_TEXTS),
            self.tokeniser,
            self.vocabulary_size,
            lower_case=self.lower_case,
            continuous=True,
        )
        return {"tokenizer": found.to_str(), "tokens": found.get_vocab_size()}

    def arranged(self, samples: Samples, fitted: dict[str, Any] | None) -> Samples:
        """Return windows of the tokens of all texts, which are tokenised now."""
        if fitted is None:
            return samples
        stream = _stream(samples, fitted["tokenizer"], np.dtype(_smallest(fitted["tokens"])))
        return TokenWindows(stream, self.context, self.stride or self.context)

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the text or the tokens as they are."""
        return raw

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.int64]:
        """Return tokens; of a text its last ones, filled up at the end."""
        if shaped.ndim:
            return shaped.astype(np.int64)
        found = self.encoded(str(shaped.item()), fitted)[-self.context :]
        return np.pad(found, (0, self.context - len(found)), constant_values=PADDING_ID)

    def encoded(self, text: str, fitted: dict[str, Any]) -> NDArray[np.int64]:
        """Return the numbers of a text's tokens; the end of a line for a text that has none."""
        tokeniser = loaded(fitted["tokenizer"])
        numbers = tokeniser.encode(text).ids or tokeniser.encode("\n").ids
        return np.array(numbers or [UNKNOWN_ID], np.int64)

    def decoded(self, tokens: Sequence[int], fitted: dict[str, Any]) -> str:
        """Return the text of tokens; words get their spaces back as they are usual in English."""
        tokeniser = loaded(fitted["tokenizer"])
        if self.tokeniser != "words":
            return tokeniser.decode(list(tokens), skip_special_tokens=False)
        words = (tokeniser.id_to_token(token) or "" for token in tokens)
        return re.sub(r" ?\n ?| (?=[.,;:!?)’”])|(?<=[(“‘]) ", _without_space, " ".join(words))

    def characters(self, fitted: dict[str, Any]) -> NDArray[np.float32] | None:
        """Return each token's length in characters; None for words, whose spaces are lost."""
        return None if self.tokeniser == "words" else _lengths(fitted["tokenizer"])

    def read_file(self, path: str) -> NDArray[Any]:
        """Read a text file of any common encoding as one text."""
        return np.array(text_of(path))

    def read_text(self, text: str) -> NDArray[Any]:
        """Take the beginning of a text."""
        return np.array(text)

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the tokeniser and `load(path)`; the script needs the package tokenizers."""
        return (
            "import codecs\n\nimport numpy as np\nfrom tokenizers import Tokenizer\n\n"
            f"CONTEXT = {self.context}\n"
            f"TOKENIZER = Tokenizer.from_str({fitted['tokenizer']!r})\n\n\n"
            f"{inspect.getsource(texts.read_text)}\n\n{inspect.getsource(texts.decoded)}\n\n"
            "def tokens(text: str) -> np.ndarray:\n"
            '    """Return the last token numbers of a text, as many as the network takes."""\n'
            f"    numbers = TOKENIZER.encode(text).ids[-CONTEXT:] or [{UNKNOWN_ID}]\n"
            f"    numbers += [{PADDING_ID}] * (CONTEXT - len(numbers))\n"
            "    return np.array(numbers, np.int64)\n\n\n"
            "def load(path: str) -> np.ndarray:\n"
            '    """Read the end of a text file as the network takes it: token numbers."""\n'
            "    return tokens(read_text(path))\n"
        )


def _without_space(match: re.Match[str]) -> str:
    return "\n" if "\n" in match[0] else ""


def _smallest(count: int) -> type[np.unsignedinteger[Any]]:
    return np.uint16 if count <= 2**16 else np.uint32


def _stream(samples: Samples, description: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the tokens of all readable texts, in a file without a name: memory never holds all.

    Texts that do not end in white space are ended by a line's end.
    """
    tokeniser = loaded(description)
    count = 0
    with tempfile.TemporaryFile(prefix="workbench-tokens-") as file:
        chunk: list[str] = []
        for index in range(len(samples)):
            try:
                text = str(samples.read(index).item()).replace("\r\n", "\n")
            except UserError:
                continue  # gone since the source listed it
            chunk.append(text if text[-1:].isspace() else text + "\n")
            if len(chunk) == CHUNK or index == len(samples) - 1:
                count += _written(tokeniser, chunk, dtype, file)
                chunk = []
        count += _written(tokeniser, chunk, dtype, file)
        if not count:
            return np.empty(0, dtype)
        file.flush()
        return np.memmap(file, dtype, "r", shape=(count,))


def _written(tokeniser: Any, chunk: list[str], dtype: np.dtype[Any], file: Any) -> int:
    count = 0
    for found in tokeniser.encode_batch(chunk):
        file.write(np.array(found.ids, dtype).tobytes())
        count += len(found.ids)
    return count


@lru_cache(maxsize=4)
def _lengths(description: str) -> NDArray[np.float32]:
    tokeniser = loaded(description)
    found = np.zeros(tokeniser.get_vocab_size(), np.float32)
    is_bytes = "ByteLevel" in type(tokeniser.pre_tokenizer).__name__
    continuation = {_byte_symbol(value) for value in range(0x80, 0xC0)}
    for token, number in tokeniser.get_vocab().items():
        if is_bytes and number > UNKNOWN_ID:
            found[number] = sum(symbol not in continuation for symbol in token)
        else:
            found[number] = 1
    return found


def _byte_symbol(value: int) -> str:
    """Return the character that stands for a byte in byte-level encoding (Radford, 2019)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    if value in plain:
        return chr(value)
    return chr(256 + [other for other in range(256) if other not in plain].index(value))
