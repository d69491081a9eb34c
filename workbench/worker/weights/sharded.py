"""Weights in several files, as Hugging Face's libraries part large ones, with an index beside."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.analysis.weights import Stored
from workbench.errors import UserError
from workbench.worker.weights.file import WeightsFile, damaged, with_keys
from workbench.worker.weights.safetensors_file import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    Opener = Callable[[Path], AbstractContextManager[WeightsFile]]

_PART = re.compile(r"(.+)-\d{5}-of-\d{5}(\.\w+)")
_LARGEST = 64 * 2**20


def index_of(path: Path) -> Path | None:
    """Return the index of weights in several files, given that or any of the parts."""
    if path.name.endswith(".index.json"):
        return path
    if found := _PART.fullmatch(path.name):
        index = path.with_name(f"{found[1]}{found[2]}.index.json")
        return index if index.is_file() else None
    return None


@contextlib.contextmanager
def open_sharded(index: Path, open_part: Opener) -> Iterator[WeightsFile]:
    """Open all parts that an index names, as one file.

    Raises:
        UserError: the index is damaged, or a part is, or is not there.
    """
    parts = _parts(index)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(open_part(part)) for part in parts]
        where = {item.name: (file, item) for file in opened for item in file.stored}

        def read(item: Stored) -> NDArray[Any]:
            file, own = where[item.name]
            return file.read(own)

        stored = [
            Stored(item.name, item.shape, role=item.role, numbers=item.numbers)
            for _, item in where.values()
        ]
        stored.sort(key=lambda item: natural(item.name))
        kind = f"{opened[0].kind} in {len(parts)} files"
        yield WeightsFile(kind, with_keys(stored), read, opened[0].layout, order="unsure")


def _parts(index: Path) -> list[Path]:
    """Return the parts, which lie beside the index."""
    try:
        if index.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(index.name, error) from error
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise UserError(f"{index.name} names no files beside it.", "Choose the weights themselves.")
    for name in names:
        if not index.with_name(name).is_file():
            raise UserError(
                f"{name} is missing, one of the {len(names)} files that {index.name} names.",
                "Copy or download it into the same folder.",
            )
    return [index.with_name(name) for name in names]
