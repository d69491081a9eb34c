"""What lies beside a file of a network for texts: tokeniser, pooling, names of classes.

Folders of Hugging Face's have them at their root, and the ONNX file often in a folder `onnx`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.importers._transformers_files import Place, Pooling, pooling_of, tokeniser_of
from workbench.document.experiment import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

TOKENISER = "tokenizer.json"
CUT_AFTER = 256
"""Tokens of a text that are read at most, where the network knows more positions."""
MULTIPLE = 8
"""Batches are filled up to a multiple of this: a network must have places for the padding, too."""
SIGNS = (TOKENISER, "tokenizer_config.json", "vocab.txt", "vocab.json", "config.json")
VECTORS = ("last_hidden_state", "token_embeddings")
"""Outputs of a vector for each token, which a pooling may follow."""


@dataclass(frozen=True)
class TextFiles:
    """What was found beside a network.

    Attributes:
        name: of the folder, where a network's own file says nothing.
        tokeniser: as tokenizer.json; empty where there is none.
        padding: the token that fills texts up.
        classes: names of its outputs.
        pooling: how its vectors of tokens become one.
        told: what was not found, in words.
    """

    name: str = ""
    tokeniser: str = ""
    padding: int = 0
    classes: tuple[str, ...] = ()
    pooling: Pooling | None = None
    told: tuple[str, ...] = ()

    @property
    def files(self) -> Mapping[str, bytes]:
        """What the preparation reads."""
        return {TOKENISER: self.tokeniser.encode()} if self.tokeniser else {}

    def preparation(self, vocabulary: int, most: int, length: int = 0) -> Component | None:
        """Return how texts become tokens; None without a tokeniser.

        Args:
            most: tokens that the network takes; 0: any number. length: of all texts; 0: their own.
        """
        if not self.tokeniser:
            return None
        most -= most % MULTIPLE if most > MULTIPLE else 0
        params = {
            "tokeniser": "given",
            "file": TOKENISER,
            "vocabulary_size": vocabulary,
            "longest": length or min(most or CUT_AFTER, CUT_AFTER),
        }
        return Component("text", params | ({"length": length} if length else {}))


def beside(path: Path, named: Path | None = None) -> TextFiles:
    """Return what lies in the folder of a file, or in the one around it.

    Args:
        named: the folder or file of the tokeniser, where a person says which.
    """
    folders = [path.parent, *([path.parent.parent] if path.parent.name == "onnx" else [])]
    own = next((each for each in folders if any((each / name).is_file() for name in SIGNS)), None)
    source = named if named is not None else own
    tokeniser = "" if source is None else _tokeniser(source)
    config = _read(own / "config.json") if own is not None else {}
    labels = config.get("id2label") or {}
    padding = config.get("pad_token_id")
    return TextFiles(
        name=own.resolve().name if own is not None and path.stem.startswith("model") else "",
        tokeniser=tokeniser,
        padding=_padding(tokeniser) if padding is None else int(padding),
        classes=tuple(map(str, labels.values())),
        pooling=None if own is None else pooling_of(Place(str(own), is_local=True)),
        told=() if tokeniser else (_missing(path),),
    )


def graph_in(folder: Path) -> Path | None:
    """Return the ONNX file of a folder that holds a network's configuration, but no other weights.

    Of several, it is the one that is called model.onnx.
    """
    weights = any(any(folder.glob(each)) for each in ("*.safetensors", "*.bin", "*.h5"))
    if weights or not (folder / "config.json").is_file():
        return None
    for place in (folder, folder / "onnx"):
        found = sorted(place.glob("*.onnx"))
        if found:
            return next((each for each in found if each.name == "model.onnx"), found[0])
    return None


def joined(
    found: TextFiles, graph: Any, run: Callable[..., Any], outputs: Sequence[str]
) -> tuple[Any, Callable[..., Any], list[str]]:
    """Return a network and what runs the original, with the pooling that lies beside it."""
    if found.pooling is None or list(outputs[:1]) != [o for o in outputs if o in VECTORS]:
        return graph, run, []
    graph, run = found.pooling.joined(graph, run)
    return graph, run, [found.pooling.words]


def _missing(path: Path) -> str:
    return (
        f"No tokeniser lies beside {path.name}: put its tokenizer.json or vocab.txt there and "
        "import it again, name its folder with --tokenizer, or choose a tokenizer.json in the data "
        "settings. Tokens of any other kind would mean nothing to this network."
    )


def _tokeniser(source: Path) -> str:
    """Return the tokeniser of a folder, or of a file, as one text; nothing where there is none."""
    folder = source.parent if source.is_file() else source
    if source.is_file() and source.suffix == ".json" and source.name != "tokenizer_config.json":
        return _as_it_is(source)
    if (folder / TOKENISER).is_file():
        return _as_it_is(folder / TOKENISER)
    if (folder / "vocab.txt").is_file():
        return _word_pieces(folder)
    return tokeniser_of(Place(str(folder), is_local=True))


def _as_it_is(path: Path) -> str:
    from tokenizers import Tokenizer

    try:
        tokeniser = Tokenizer.from_file(str(path))
    except Exception:  # the library raises bare exceptions
        return ""
    return _plain(tokeniser)


def _word_pieces(folder: Path) -> str:
    """Return BERT's tokeniser of a list of its parts of words."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    vocabulary = {word: number for number, word in enumerate(lines)}
    if not {"[UNK]", "[CLS]", "[SEP]"} <= vocabulary.keys():
        return tokeniser_of(Place(str(folder), is_local=True))
    settings = _read(folder / "tokenizer_config.json")
    has_capitals = any(any(map(str.isupper, word)) for word in lines if not word.startswith("["))
    lower = bool(settings.get("do_lower_case", not has_capitals))
    tokeniser = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.BertNormalizer(
        lowercase=lower, strip_accents=settings.get("strip_accents")
    )
    tokeniser.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokeniser.decoder = decoders.WordPiece()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokeniser.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return _plain(tokeniser)


def _plain(tokeniser: Any) -> str:
    """Return it without rules of lengths, which the preparation decides."""
    tokeniser.no_truncation()
    tokeniser.no_padding()
    return str(tokeniser.to_str())


def _padding(tokeniser: str) -> int:
    from plugins.preprocessing._tokenisers import loaded, special_numbers

    return special_numbers(loaded(tokeniser))["padding"] if tokeniser else 0


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
