"""What lies beside a network of transformers: tokeniser, pooling, preparation of pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers.torchvision_models import scale
from workbench.document.edits import insert_on_edge
from workbench.document.experiment import Component, Experiment
from workbench.document.graph import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Place:
    """Where a network lies: a folder, or a name that the library's cache and the hub know."""

    source: str
    is_local: bool

    @property
    def options(self) -> dict[str, Any]:
        """Options of every loader: no code of others, no network for what lies here."""
        return {"local_files_only": self.is_local, "trust_remote_code": False}


@dataclass(frozen=True)
class Pooling:
    """How one vector is made of those of all tokens, as sentence-transformers keeps it."""

    layer: str
    params: Mapping[str, Any]
    words: str
    over: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[Any]]

    def joined(self, graph: Any, original: Callable[..., Any]) -> Any:
        """Return the graph with the pooling before its Output, and what gives the same.

        That takes tokens and, where they differ in length, how many of each sample are real.
        """
        node = Node("pooling", self.layer, dict(self.params))
        pooled = insert_on_edge(Experiment(graph=graph), node, graph.nodes[-1].id, 0)

        def run(inputs: NDArray[Any], *lengths: Sequence[int]) -> NDArray[Any]:
            found = original(inputs, *lengths)
            (vectors,) = found if isinstance(found, list) else [found]
            steps = np.arange(vectors.shape[1])
            ends = np.asarray(lengths[0] if lengths else [len(steps)] * len(vectors))
            return self.over(vectors, steps < ends[:, None])

        return pooled.graph, run


def _mean(vectors: NDArray[Any], real: NDArray[np.bool_]) -> NDArray[Any]:
    total = (vectors * real[..., None]).sum(axis=1)
    found: NDArray[Any] = total / real.sum(axis=1, keepdims=True)
    return found.astype(vectors.dtype)


def _largest(vectors: NDArray[Any], real: NDArray[np.bool_]) -> NDArray[Any]:
    found: NDArray[Any] = np.where(real[..., None], vectors, -np.inf).max(axis=1)
    return found.astype(vectors.dtype)


def _first(vectors: NDArray[Any], real: NDArray[np.bool_]) -> NDArray[Any]:
    return vectors[:, 0]


_AS_TRAINED = "Its vector of a text is {} all tokens, as it was trained."
_POOLINGS = {
    "mean": Pooling("GlobalAveragePool", {}, _AS_TRAINED.format("the mean over"), _mean),
    "max": Pooling("GlobalMaxPool", {}, _AS_TRAINED.format("the largest of"), _largest),
    "cls": Pooling(
        "PickToken",
        {"which": "first"},
        "Its vector of a text is that of the first token, as it was trained.",
        _first,
    ),
}


def pooling_of(place: Place) -> Pooling | None:
    """Return how a sentence encoder was trained to make one vector of those of its tokens."""
    try:
        text = (Path(place.source) / "1_Pooling" / "config.json").read_text(encoding="utf-8")
        settings = json.loads(text)
    except (OSError, ValueError):
        return None
    words = {"mean": "mean_tokens", "max": "max_tokens", "cls": "cls_token"}
    for name, key in words.items():
        if settings.get(f"pooling_mode_{key}") or settings.get("pooling_mode") == name:
            return _POOLINGS[name]
    return None


def tokeniser_of(place: Place) -> str:
    """Return the tokeniser as one text; nothing where there is none.

    Lengths are decided by the preparation, not by what the file says of cutting and filling up.
    """
    import transformers
    from tokenizers import Tokenizer
    from transformers.utils import cached_file

    try:
        path = cached_file(
            place.source,
            "tokenizer.json",
            local_files_only=place.is_local,
            _raise_exceptions_for_missing_entries=False,
        )
        if path is not None:
            tokeniser = Tokenizer.from_file(path)
        else:  # an older form, which the library turns into this one
            found = transformers.AutoTokenizer.from_pretrained(place.source, **place.options)
            tokeniser = Tokenizer.from_str(found.backend_tokenizer.to_str())
    except Exception:  # whatever a loader raises that does not find its files
        return ""
    tokeniser.no_truncation()
    tokeniser.no_padding()
    return str(tokeniser.to_str())


def picture_size(config: Any) -> tuple[int, int]:
    """Return height and width of the pictures that a network was configured for."""
    size = getattr(config, "image_size", None) or 224
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[1])
    return int(size), int(size)


def picture_settings(place: Place, size: tuple[int, int]) -> Component | None:
    """Return what preprocessor_config.json says; None where there is none."""
    try:
        text = (Path(place.source) / "preprocessor_config.json").read_text(encoding="utf-8")
        given: Mapping[str, Any] = json.loads(text)
    except (OSError, ValueError):
        return None
    params: dict[str, Any] = {
        "height": size[0],
        "width": size[1],
        "channels": "rgb",
        "resize": "crop" if given.get("do_center_crop") else "stretch",
        "interpolation": {2: "bilinear", 3: "bicubic"}.get(given.get("resample", 2), "bilinear"),
    }
    if params["resize"] == "crop":
        around = given.get("size", {})
        edge = around.get("shortest_edge", size[0]) if isinstance(around, dict) else around
        params["crop_share"] = round(min(size[0] / max(int(edge), 1), 1.0), 6)
    if given.get("do_normalize", True):
        params |= scale(given.get("image_mean", [0.5] * 3), given.get("image_std", [0.5] * 3))
    return Component("image", params)
