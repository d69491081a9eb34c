"""Loads a network of Hugging Face transformers from a folder, the library's cache or the hub."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.importers import _index
from plugins.importers._hub import hub_file, is_cached, is_reachable, offline
from plugins.importers._transformers_files import Place
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from workbench.plugin_api.importer import ImportRequest

_KEPT_CLASSES = ("Model", "ForSequenceClassification", "ForImageClassification")
"""Endings of classes whose head is taken over; of others the body alone."""
_WRITING = ("LMHeadModel", "DoubleHeadsModel")
"""Endings of classes that give tokens, not vectors."""


def place_of(name: str, folder: Path | None, *, is_random: bool) -> Place:
    """Return where a network lies; nothing is asked of the hub that is not needed or in vain."""
    if folder is not None:
        return Place(str(folder), is_local=True)
    if is_random and _usual(name) is not None:
        return Place(name, is_local=True)
    if is_cached(name) or is_reachable():
        return Place(name, is_local=is_cached(name))
    if is_random:
        return Place(name, is_local=True)  # its configuration may be here
    raise offline(name)


@dataclass(frozen=True)
class Fit:
    """How the weights of a file fit a network.

    Attributes:
        missing: names of the network that the file does not have, or in another shape.
        unexpected: names of the file that the network does not have.
    """

    missing: Collection[str]
    unexpected: Collection[str]

    def changes(self, unused: Collection[str], count: int) -> Iterator[str]:
        """Yield what has to be known of it.

        Args:
            unused: weights without a part in the outputs.
            count: weights of the network.

        Raises:
            UserError: the file is of another network.
        """
        missing = sorted(set(self.missing) - set(unused))
        if 2 * len(missing) > count:
            raise UserError(
                f"The weights beside config.json are of another network: {len(missing)} of "
                f"{count} are missing, such as {missing[0]}.",
                "Put both files of one network into the folder.",
            )
        if missing:
            yield (
                f"{len(missing)} of its weights were not in the file, such as {missing[0]}: they "
                "start at random."
            )

    def left_out(self) -> Iterator[str]:
        """Yield what of the file was not taken."""
        if self.unexpected:
            first = min(self.unexpected)
            yield f"{len(self.unexpected)} weights of the file, such as {first}"


def loaded(place: Place, request: ImportRequest) -> tuple[Any, Fit | None]:
    """Return the network in evaluation mode, and how its weights fit; None: they are random."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()  # what it would warn of is in the report

    is_random = request.file is None and not request.published
    if is_random and (usual := _usual(place.source)) is not None:
        return _class(usual)(usual).eval().float(), None
    with _plainly(place):
        config = transformers.AutoConfig.from_pretrained(place.source, **place.options)
    kind = _class(config)
    if is_random or (request.file is not None and not _has_weights(Path(place.source))):
        return kind(config).eval().float(), None
    request.tell("Reading the weights")
    with _plainly(place):
        if not place.is_local:  # so that it is told how far it is
            hub_file(place.source, ("model.safetensors",), request.tell)
        module, told = kind.from_pretrained(
            place.source, config=config, output_loading_info=True, **place.options
        )
    missing = {*told["missing_keys"], *(found[0] for found in told["mismatched_keys"])}
    return module.eval().float(), Fit(missing, told["unexpected_keys"])


def _usual(name: str) -> Any:
    """Return the settings of a well-known network that are those of its kind; None for others."""
    import transformers

    known = {each.name: each.family for each in _index.entries("transformers")}
    return transformers.AutoConfig.for_model(known[name]) if name in known else None


def _class(config: Any) -> Any:
    """Return the class that the configuration names, or that of its body."""
    import transformers

    names = getattr(config, "architectures", None) or ()
    is_kept = names and names[0].endswith(_KEPT_CLASSES) and not names[0].endswith(_WRITING)
    if is_kept and hasattr(transformers, names[0]):
        return getattr(transformers, names[0])
    try:
        return transformers.AutoModel._model_mapping[type(config)]
    except KeyError as error:
        raise NotCoveredError(f"transformers has no body for “{config.model_type}”.") from error


def _has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin"))


@contextlib.contextmanager
def _plainly(place: Place) -> Iterator[None]:
    """Say in words that a network cannot be loaded."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # every loader raises its own kinds
        reason = first_line(error)
        if "trust_remote_code" in str(error):
            raise UserError(
                f"{place.source} needs code of its own that would have to be run.",
                "Only networks that transformers has itself can be imported.",
            ) from error
        if Path(place.source).is_dir():
            raise UserError(
                f"The network in {place.source} cannot be loaded: {reason}.",
                "Its folder must hold config.json and model.safetensors.",
            ) from error
        raise UserError(
            f"“{place.source}” is not on this computer, and could not be downloaded: "
            f"{reason.rstrip('.')}.",
            "Import it where there is a network, or give the folder it was saved to.",
        ) from error
