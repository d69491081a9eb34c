"""Networks of Hugging Face transformers: a folder with config.json, or a name."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.importers import _index
from plugins.importers._hub import is_cached
from plugins.importers._text_files import graph_in
from plugins.importers._torch_block import Origin, block, left_out
from plugins.importers._transformers_files import (
    Place,
    picture_settings,
    picture_size,
    pooling_of,
    tokeniser_of,
)
from plugins.importers._transformers_loading import loaded, place_of
from workbench.document.experiment import Component
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Architecture, Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._transformers_loading import Fit
    from workbench.plugin_api.importer import ImportRequest

TOKENISER = "tokenizer.json"
CUT_AFTER = 256
"""Tokens of a text that are read at most, where the network knows more positions."""
_NO_SETTINGS = frozenset(
    ("transformers_version", "architectures", "dtype", "torch_dtype", "_name_or_path")
).union(("use_cache", "id2label", "label2id", "auto_map", "problem_type"))
"""What a configuration holds that does not decide what the network computes."""


class TransformersImporter(Importer):
    """Encoders for texts and networks for pictures, kept as a block with their tokeniser."""

    id = "transformers"
    title = "transformers"
    help = "Hugging Face's networks for texts and pictures: a folder with config.json, or a name."

    def availability(self) -> Availability:
        """Look for the library without importing it."""
        if importlib.util.find_spec("transformers") is None:
            line = 'pip install "neural-workbench[pretrained]"'
            return Availability(False, "transformers is not installed.", line)
        return Availability(True)

    def architectures(self) -> Sequence[Architecture]:
        """Return well-known networks; any other name of the hub can be given, too."""
        return [
            msgspec.structs.replace(
                each,
                weights=tuple(
                    msgspec.structs.replace(found, is_here=is_cached(found.file))
                    for found in each.weights
                ),
            )
            for each in _index.entries(self.id)
        ]

    def architecture(self, name: str) -> Architecture:
        """Return one of the well-known networks, or any other name as the hub may know it.

        Raises:
            UserError: it cannot be the name of a network.
        """
        known = {each.name: each for each in _index.entries(self.id)}
        if name not in known and not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            return _index.entry(self.id, self.title, name)  # says what it could have been
        unknown = Architecture(importer=self.id, name=name, input=(0, 0, 0), classes=0)
        return known.get(name, unknown)

    def opens(self, path: Path) -> bool:
        """Say whether this is a folder with the configuration of a network, or that file."""
        folder = path if path.is_dir() else path.parent
        if path.is_file() and path.name != "config.json":
            return False
        if path.is_dir() and graph_in(path) is not None:
            return False
        try:
            text = (folder / "config.json").read_text(encoding="utf-8")
            return "model_type" in json.loads(text)
        except (OSError, ValueError, TypeError):
            return False

    def read(self, request: ImportRequest) -> Imported:
        """Load the network and what prepares its samples; keep it as a block."""
        if request.form == "nodes":
            raise NotCoveredError(
                "Networks of transformers are kept as one block.",
                "Import it as a block; its inner modules can be watched, frozen and cut.",
            )
        file = request.file
        folder = file.parent if file is not None and file.is_file() else file
        place = place_of(request.source, folder, is_random=not request.published)
        name = folder.resolve().name if folder is not None else request.source
        request.tell("Importing transformers")
        module, fit = loaded(place, request)
        request.tell("Looking at its modules")
        if module.main_input_name == "pixel_values":
            return _of_pictures(module, place, name, fit)
        if module.main_input_name == "input_ids" and hasattr(module.config, "vocab_size"):
            return _of_texts(module, place, name, fit)
        parts = [each for each in ("text_config", "vision_config") if hasattr(module.config, each)]
        takes = "texts and pictures" if len(parts) == 2 else f"“{module.main_input_name}”"
        raise NotCoveredError(
            f"{name} takes {takes}, and only networks for texts or for pictures can be imported.",
            "Save the part that is wanted, such as CLIPVisionModel, by itself." if parts else "",
        )


def _of_texts(module: Any, place: Place, name: str, fit: Fit | None) -> Imported:
    config = module.config
    if getattr(config, "is_encoder_decoder", False):
        raise NotCoveredError(f"{name} is an encoder with a decoder, which cannot be imported yet.")
    most = _positions(module)
    result = _result(module)
    origin = Origin(
        library="transformers",
        architecture=type(module).__name__,
        options=_options(config),
        input=(None,),
        vocabulary=config.vocab_size,
        padding=config.pad_token_id or 0,
        most_steps=most,
        result=result,
    )
    made = block(module, origin)
    text = tokeniser_of(place)
    preprocessing = None
    if text:
        params = {
            "tokeniser": "given",
            "file": TOKENISER,
            "vocabulary_size": config.vocab_size,
            "longest": min(most or CUT_AFTER, CUT_AFTER),
        }
        preprocessing = Component("text", params)
    return _imported(
        module,
        place,
        name,
        made,
        fit,
        input_shape=(None,),
        original=_text_runner(module, result),
        vocabulary=config.vocab_size,
        preprocessing=preprocessing,
        files={TOKENISER: text.encode()} if text else {},
    )


def _of_pictures(module: Any, place: Place, name: str, fit: Fit | None) -> Imported:
    size = picture_size(module.config)
    result = _result(module)
    origin = Origin(
        library="transformers",
        architecture=type(module).__name__,
        options=_options(module.config),
        input=(*size, 3),
        result=result,
    )
    made = block(module, origin)
    return _imported(
        module,
        place,
        name,
        made,
        fit,
        input_shape=(*size, 3),
        original=_picture_runner(module, result),
        preprocessing=picture_settings(place, size),
    )


def _imported(
    module: Any, place: Place, name: str, made: Any, fit: Fit | None, **rest: Any
) -> Imported:
    """Return what texts and pictures have in common."""
    graph, changed = made.graph, []
    original = rest.pop("original")
    if not made.classes and (pooling := pooling_of(place)):
        graph, original = pooling.joined(graph, original)
        changed.append(pooling.words)
    if fit is not None:
        changed += fit.changes(made.unused, len(module.state_dict()))
    labels = getattr(module.config, "id2label", None) or {}
    weights = "with random weights" if fit is None else "with its weights"
    return Imported(
        name=name,
        origin=f"{name} of transformers ({type(module).__name__}), {weights}",
        graph=graph,
        weights=made.weights,
        original=original,
        parameters=made.parameters,
        classes=tuple(map(str, labels.values())) if len(labels) == made.classes else (),
        matched=0 if fit is None else len(made.weights) - len(fit.missing),
        skipped=(*left_out(made.unused), *(() if fit is None else fit.left_out())),
        changed=tuple(changed),
        whole="networks of transformers are not taken apart",
        **rest,
    )


def _options(config: Any) -> dict[str, Any]:
    """Return the settings that differ from those the library has for this kind."""
    import transformers

    usual = transformers.AutoConfig.for_model(config.model_type).to_dict()
    own = {
        key: value
        for key, value in config.to_dict().items()
        if key not in _NO_SETTINGS and usual.get(key, _NO_SETTINGS) != value
    }
    return {"model_type": config.model_type, **own}


def _positions(module: Any) -> int:
    """Return how many tokens it has places for; 0 where that is not limited.

    Networks that count places from the padding's number (RoBERTa and its kin) have fewer of them
    than rows.
    """
    config = module.config
    found = getattr(config, "max_position_embeddings", None) or 0
    for path, part in module.named_modules():
        if path.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None:
            return int(part.num_embeddings - part.padding_idx - 1)
    return max(int(found), 0)


def _result(module: Any) -> str:
    """Return which of its results is taken: logits of a classifier, else the last layer's."""
    is_classifier = type(module).__name__.endswith("Classification")
    return "logits" if is_classifier else "last_hidden_state"


def _text_runner(module: Any, result: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def run(tokens: NDArray[Any]) -> NDArray[Any]:
        import torch

        given = torch.from_numpy(tokens)
        with torch.no_grad():
            found = module(given, attention_mask=torch.ones_like(given))[result]
        answer: NDArray[Any] = found.float().numpy()
        return answer

    return run


def _picture_runner(module: Any, result: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def run(pictures: NDArray[Any]) -> NDArray[Any]:
        import torch

        with torch.no_grad():
            batch = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
            found = module(batch)[result]
        # Places come last in the document where PyTorch has them after the channels.
        answer: NDArray[Any] = found.float().numpy()
        return answer.transpose(0, 2, 3, 1) if answer.ndim == 4 else answer

    return run
