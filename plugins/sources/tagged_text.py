"""Sentences whose words are tagged: columns as in the CoNLL tasks, or JSON Lines."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np

from plugins.sources._left_out import LeftOut
from plugins.sources._numbers import Numbers
from plugins.sources._tags import Tagged, divided, in_order
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, Kind
from workbench.plugin_api.parameters import param
from workbench.plugin_api.samples import fingerprint
from workbench.plugin_api.source import Opened, Source
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Split

MOST_TAGS = 1000
TOKEN_NAMES = ("tokens", "words", "text")
TAG_NAMES = ("tags", "ner_tags", "labels", "pos_tags", "upos")
Sentence = tuple[list[str], list[str]]


class TaggedText(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of any size: only the places of the sentences and their tags are kept in memory."""

    id: ClassVar[str] = "tagged_text"
    title: ClassVar[str] = "Tagged words (CoNLL, JSONL)"
    help: ClassVar[str] = (
        "One word a line with its tag in another column and an empty line between sentences, or "
        "JSON Lines with lists of words and tags."
    )
    kind: ClassVar[Kind] = "texts"
    preparation: ClassVar[str] = "tagged_words"

    file: Annotated[str, param("File", "Sentences; it is only read", path="file")] = ""
    validation_file: Annotated[
        str, param("Validation file", "Empty: a share of the sentences", path="file", advanced=True)
    ] = ""
    test_file: Annotated[
        str, param("Test file", "Empty: a share of the sentences", path="file", advanced=True)
    ] = ""
    word_column: Annotated[
        str, param("Word column", "Number from 1, or name in JSON; empty: the first")
    ] = ""
    tag_column: Annotated[
        str, param("Tag column", "Number from 1, or name in JSON; empty: the last")
    ] = ""

    def open(self, split: Split) -> Opened:
        """Go through the files once and note where sentences are and how their words are tagged."""
        if not self.file:
            raise UserError("No file has been chosen.", "Choose a file of tagged words.")
        tags: dict[str, int] = {}
        bad: list[BadFile] = []
        wanted = {"train": self.file, "validation": self.validation_file, "test": self.test_file}
        found: dict[str, TaggedSentences] = {}
        for name, path in wanted.items():
            if path:
                reader = _Reader(Path(path).expanduser(), self.word_column, self.tag_column)
                found[name], left_out = _listed(reader, tags)
                bad += left_out
        if len(tags) < 2:
            one = f"one tag only, “{next(iter(tags))}”" if tags else "no tagged words"
            raise UserError(
                f"{Path(self.file).name} holds {one}.", "Choose another tag column, or other data."
            )
        classes = sorted(tags, key=in_order)
        places = np.empty(len(tags), np.int64)
        for place, tag in enumerate(classes):
            places[tags[tag]] = place
        parts = divided({name: each.renumbered(places) for name, each in found.items()}, split)
        states = (Path(path).expanduser().stat() for path in wanted.values() if path)
        return Opened(
            splits=parts,
            classes=tuple(classes),
            target=TensorType((None,), ("time",), "int64"),
            bad_files=tuple(bad),
            fingerprint=fingerprint(
                *(f"{s.st_size} {s.st_mtime_ns}".encode() for s in states),
                f"{self.word_column} {self.tag_column}".encode(),
            ),
        )


class TaggedSentences(Tagged):
    """Sentences of one split: a text of words parted by spaces, and a tag's number for each.

    Args:
        places: start and size in bytes, and first line, of each sentence: sentences × 3.
        tags: numbers of the tags of each sentence's words.
    """

    def __init__(
        self,
        reader: _Reader,
        places: NDArray[np.int64],
        tags: Numbers,
    ) -> None:
        super().__init__(tags)
        self._reader = reader
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, index: int) -> NDArray[Any]:
        """Return the words of a sentence, parted by single spaces; raises UserError."""
        start, size, _ = self._places[index].tolist()
        words, _ = self._reader.sentence(start, size)
        return np.array(" ".join(words))

    def name(self, index: int) -> str:
        """Return the line at which the sentence begins."""
        return f"line {self._places[index, 2]}"

    def renumbered(self, places: NDArray[np.int64]) -> TaggedSentences:
        """Return the same with other numbers of tags."""
        return TaggedSentences(self._reader, self._places, self._tags.renumbered(places))

    def part(self, chosen: NDArray[np.intp]) -> TaggedSentences:
        """Return some sentences."""
        return TaggedSentences(self._reader, self._places[chosen], self._tags.part(chosen))


class _Reader:
    """Takes sentences out of a file."""

    def __init__(self, path: Path, word: str, tag: str) -> None:
        self.path = path
        self._columns = word, tag
        self._is_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json")

    def sentences(self) -> Iterator[tuple[int, int, int, Sentence | str]]:
        """Yield start and size in bytes, first line, and words with tags, or why there are none.

        Raises:
            UserError: the file cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                at, line, size, lines = 0, 1, 0, 0
                content: list[bytes] = []
                for one in file:
                    if not content and b"\0" in one:
                        raise UserError(f"{self.path.name} is not a text file of 8 bits.")
                    content.append(one)
                    size, lines = size + len(one), lines + 1
                    if self._is_json or not one.strip():
                        yield from self._sentence(at, size, line, content)
                        at, line, size, lines, content = at + size, line + lines, 0, 0, []
                if content:
                    yield from self._sentence(at, size, line, content)
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}.") from error

    def sentence(self, start: int, size: int) -> Sentence:
        """Return the sentence at this place; raises UserError when the file has changed."""
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                found = self._taken(file.read(size).splitlines())
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error.strerror}.") from error
        if isinstance(found, str):
            raise UserError(f"{self.path} has changed: {found}.")
        return found

    def _sentence(
        self, at: int, size: int, line: int, content: list[bytes]
    ) -> Iterator[tuple[int, int, int, Sentence | str]]:
        found = self._taken(content)
        if isinstance(found, str) or found[0]:
            yield at, size, line, found

    def _taken(self, lines: Sequence[bytes]) -> Sentence | str:
        try:
            texts = [line.decode("utf-8-sig").rstrip("\r\n") for line in lines]
        except UnicodeDecodeError:
            return "it is not valid UTF-8"
        if self._is_json:
            return self._of_json(texts[0])
        words: list[str] = []
        tags: list[str] = []
        for text in texts:
            if not text.strip() or text.startswith(("# ", "-DOCSTART-")):
                continue
            cells = text.split("\t") if "\t" in text else text.split()
            try:
                word, tag = (
                    _cell(cells, *each) for each in zip(self._columns, (0, -1), strict=True)
                )
            except (IndexError, ValueError):
                return f"“{text[:40]}” has no such column"
            if not word.strip() or not tag.strip():
                return f"“{text[:40]}” has an empty word or tag"
            words.append("_".join(word.split()))
            tags.append(tag.strip())
        if len(lines) and words and len(self._cells_of(texts)) < 2:
            return "it has one column only"
        return words, tags

    @staticmethod
    def _cells_of(texts: Sequence[str]) -> list[str]:
        first = next(text for text in texts if text.strip() and not text.startswith("# "))
        return first.split("\t") if "\t" in first else first.split()

    def _of_json(self, text: str) -> Sentence | str:
        if not text.strip():
            return [], []
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return f"it is not JSON ({error})"
        if not isinstance(found, dict):
            return "it is not a JSON object"
        lists = []
        for wanted, names in zip(self._columns, (TOKEN_NAMES, TAG_NAMES), strict=True):
            name = wanted or next((each for each in names if each in found), names[0])
            cells = found.get(name)
            if not isinstance(cells, list):
                return f"it has no list “{name}”"
            lists.append([str(cell) for cell in cells])
        words, tags = lists
        if len(words) != len(tags):
            return f"it has {len(words)} words but {len(tags)} tags"
        if not all(each.strip() for each in (*words, *tags)):
            return "it has an empty word or tag"
        return ["_".join(word.split()) for word in words], [tag.strip() for tag in tags]


def _cell(cells: list[str], wanted: str, usual: int) -> str:
    return cells[int(wanted) - 1 if wanted else usual]


def _listed(reader: _Reader, tags: dict[str, int]) -> tuple[TaggedSentences, list[BadFile]]:
    places, numbers, ends = array("q"), array("i"), array("q")
    name = reader.path.name
    left_out = LeftOut(name, "sentences")
    for start, size, line, found in reader.sentences():
        if isinstance(found, str):
            left_out.add(f"{name}, line {line}", found)
            continue
        places.extend((start, size, line))
        numbers.extend(tags.setdefault(tag, len(tags)) for tag in found[1])
        ends.append(len(numbers))
        if len(tags) > MOST_TAGS:
            raise UserError(
                f"The tag column of {name} has more than {MOST_TAGS} different values.",
                "Choose the column that holds the tags.",
            )
    bad = left_out.listed
    if not ends:
        reason = f" (line {bad[0].path.rpartition(' ')[2]}: {bad[0].reason})" if bad else ""
        raise UserError(f"No sentence of {name} can be used{reason}.", "Choose other columns.")
    sentences = TaggedSentences(
        reader,
        np.array(places, np.int64).reshape(-1, 3),
        Numbers(np.array(numbers, np.int64), np.array(ends, np.int64)),
    )
    return sentences, bad
