"""Finds who imports what a person asks for: a name, a file with a network, weights alone."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.plugin_api.importer import ImportRequest, NotCoveredError
from workbench.worker.weights.opening import open_weights, refuse_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from workbench.analysis.weights import Stored
    from workbench.catalog import Catalog
    from workbench.plugin_api.importer import Guess, Importer
    from workbench.worker.pretrained.importing import Wish
    from workbench.worker.weights.file import WeightsFile


class OpenArrays:
    """The arrays of an open file, as importers see them."""

    def __init__(self, file: WeightsFile) -> None:
        self._file = file
        self._stored: dict[str, Stored] = {
            item.name: item for item in file.stored if not item.numbers
        }

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name, in the order of the file."""
        return {name: item.shape for name, item in self._stored.items()}

    @property
    def is_ordered(self) -> bool:
        """Whether the file keeps the order of the code."""
        return self._file.order == "code"

    @property
    def beside(self) -> tuple[str, ...]:
        """What the report says of other weights in the file."""
        return tuple(f"“{name}”, other weights in the file" for name in self._file.beside)

    def read(self, name: str) -> NDArray[np.generic]:
        """Return one array."""
        return self._file.read(self._stored[name])


@contextlib.contextmanager
def request_of(
    wish: Wish, catalog: Catalog, tell: Callable[[str], None]
) -> Iterator[tuple[Importer, ImportRequest, list[Guess]]]:
    """Yield who imports it, what is asked, and what else a weights file would fit."""
    path = Path(wish.source).expanduser()
    importers = [kind() for kind in catalog.importers]
    is_named = any(wish.source.startswith(f"{each.id}:") for each in importers)
    if is_named or (not path.exists() and not _looks_like_path(wish.source)):
        importer, name = named(wish.source, importers, wish.published)
        _need(importer)
        yield (
            importer,
            ImportRequest(source=name, published=wish.published, form=wish.form, tell=tell),
            [],
        )
        return
    if not path.exists():
        raise UserError(f"{path} does not exist.", "It may have been moved or renamed.")
    refuse_stand_in(path)
    for importer in importers:
        if not wish.architecture and importer.opens(path):
            _need(importer)
            yield (
                importer,
                ImportRequest(file=path, form=wish.form, tokeniser=wish.tokeniser, tell=tell),
                [],
            )
            return
    if (network := described_by(wish)) is not None:
        yield (
            _opening(network, importers),
            ImportRequest(file=network, form=wish.form, tell=tell),
            [],
        )
        return
    with open_weights(path) as file:
        arrays = OpenArrays(file)
        others: list[Guess] = []
        if architecture := wish.architecture or _architecture_beside(path):
            importer, name = named(architecture, importers)
        else:
            tell("Looking for its architecture")
            first, *others = _guessed(path, arrays, importers)
            importer, name = catalog.importers[first.importer](), first.name
            others = [guess for guess in others if guess.rank == first.rank]
        _need(importer)
        request = ImportRequest(source=name, file=path, arrays=arrays, form=wish.form, tell=tell)
        yield importer, request, others


def described_by(wish: Wish) -> Path | None:
    """Return the file that describes the network of a file of weights, if one is named."""
    path = Path(wish.architecture).expanduser()
    return path if wish.architecture and path.is_file() else None


def _architecture_beside(path: Path) -> str:
    """Return the architecture that timm's config.json names in a folder of weights."""
    folder = path if path.is_dir() else path.parent
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architecture"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"timm:{found}" if isinstance(found, str) else ""


def _opening(path: Path, importers: list[Importer]) -> Importer:
    """Return the importer that reads a whole network from a file."""
    for importer in importers:
        if importer.opens(path):
            _need(importer)
            return importer
    raise UserError(
        f"{path.name} does not describe a network.",
        "Choose one as .onnx, .pt2, TorchScript or .keras, or name an architecture.",
    )


def named(source: str, importers: list[Importer], published: str = "") -> tuple[Importer, str]:
    """Return the importer that knows an architecture, and its name there.

    Args:
        published: name of weights; of several that know the architecture, one that has them.

    Raises:
        UserError: nobody knows it.
    """
    prefix, _, rest = source.rpartition(":")
    chosen = [each for each in importers if not prefix or each.id == prefix]
    if prefix and not chosen:
        known = ", ".join(each.id for each in importers if each.architectures())
        raise UserError(f"There is no collection called “{prefix}”.", f"There are: {known}.")
    knowing = [
        (importer, each)
        for importer in chosen
        for each in importer.architectures()
        if each.name == rest
    ]
    for importer, each in knowing:
        if any(weights.name == published for weights in each.weights):
            return importer, rest
    if knowing:
        return knowing[0][0], rest
    refusal = UserError(
        f"No network is called “{rest}”, and no file either.",
        "`workbench models list` names those that can be imported.",
    )
    for importer in chosen:
        try:
            importer.architecture(rest)
        except NotCoveredError:
            raise
        except UserError as error:
            refusal = error if "Did you mean" in error.hint else refusal
        else:
            return importer, rest
    raise refusal


def _guessed(path: Path, arrays: OpenArrays, importers: list[Importer]) -> list[Guess]:
    found = [guess for importer in importers for guess in importer.guesses(arrays)]
    here = {importer.id for importer in importers if importer.availability().ok}
    found = [guess for guess in found if guess.importer in here] or found
    if not found:
        raise UserError(
            f"{path.name} holds {len(arrays.shapes)} weights without their network, and they fit "
            "no architecture that is known here.",
            "Name the architecture, choose another file of the same network (.onnx, .pt2) as the "
            "architecture, or draw the network and use “Load weights”.",
        )
    return sorted(found, key=lambda guess: guess.rank)


def _need(importer: Importer) -> None:
    found = importer.availability()
    if not found.ok:
        raise UserError(found.reason, f"Install it: {found.install}" if found.install else "")


def _looks_like_path(source: str) -> bool:
    """Say whether a person means a file; “owner/name” is a network of a hub, too."""
    path = Path(source)
    if source.startswith((".", "/", "~")) or path.suffix.lower() in _SUFFIXES or "\\" in source:
        return True
    return len(path.parts) > 2 or (len(path.parts) == 2 and path.parent.exists())


_SUFFIXES = (
    ".pt",
    ".pth",
    ".safetensors",
    ".ckpt",
    ".h5",
    ".hdf5",
    ".keras",
    ".onnx",
    ".pt2",
    ".jit",
)
