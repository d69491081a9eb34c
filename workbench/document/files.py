"""Experiment files: read whatever is given, write atomically, migrate old versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from workbench.document.experiment import Experiment
from workbench.document.graph import is_identifier
from workbench.errors import UserError, in_words
from workbench.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FORMAT = "neural-workbench-experiment"
VERSION = 3
SUFFIX = ".workbench.json"

LARGEST = 64 * 2**20
"""Bytes of an experiment; a larger file is none."""
_DEEPEST = 20


def _start_from_the_seed(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 can begin with weights of a file; before, the seed drew all of them."""
    return {**document, "start": None}


def _with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    """Version 3 has settings for retraining; an experiment without them does what it did."""
    return document


MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _start_from_the_seed,
    2: _with_defaults,
}
"""Version to the function that turns a document of it into one of the next version."""


def load(path: Path) -> Experiment:
    """Read an experiment file.

    Raises:
        UserError: the file is not there, not readable, or not an experiment.
    """
    try:
        if not path.is_file():
            raise _missing(path)
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read: {reason}.") from error
    return loads(content, path.name)


def loads(content: bytes, name: str = "The file") -> Experiment:
    """Read an experiment from the bytes of a file.

    A network that makes no sense (a cycle, an unknown layer type, an input from nowhere) is no
    obstacle: it opens, and its problems are listed. Duplicate or impossible layer names are one,
    because nothing could tell the layers apart.

    Args:
        name: what a person knows the file by.

    Raises:
        UserError: these bytes are not an experiment that this version understands.
    """
    if len(content) > LARGEST:
        raise UserError(
            f"{name} is larger than {LARGEST // 2**20} MB, so it is not an experiment.",
            f"Experiments are small text files ending in {SUFFIX}.",
        )
    document = _upgraded(_parsed(content, name), name)
    try:
        experiment = msgspec.convert(document, Experiment)
        dumps(experiment)  # what cannot be saved again is not valid
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise UserError(
            f"{name} is damaged: {in_words(error)}.",
            "Restore it from a copy, or mend it in a text editor.",
        ) from error
    _check_names(experiment, name)
    return experiment


def save(experiment: Experiment, path: Path | None) -> Path:
    """Write an experiment atomically; the suffix is added when it is missing.

    Returns:
        Where it was written.

    Raises:
        UserError: there is no path yet, the disk is full, the folder cannot be written to, or
            the experiment holds a value that could not be read again.
    """
    if path is None:
        raise UserError("This experiment has no file yet.", "Choose a name with Save as.")
    path = with_suffix(path)
    content = dumps(experiment)
    loads(content, "What would be written")  # never replace a good file with an unreadable one
    write_atomically(path, content)
    return path


def dumps(experiment: Experiment) -> bytes:
    """Return the bytes of an experiment file: keys sorted, one node a line."""
    nodes = ",\n".join(f"      {_line(node)}" for node in experiment.graph.nodes)
    parts: dict[str, str] = {
        "format": _block(FORMAT),
        "graph": f'{{\n    "nodes": [\n{nodes}\n    ]\n  }}' if nodes else '{"nodes": []}',
        "version": _block(VERSION),
    }
    for field in experiment.__struct_fields__:
        if field != "graph":
            parts[field] = _block(getattr(experiment, field))
    body = ",\n".join(f'  "{key}": {parts[key]}' for key in sorted(parts))
    return f"{{\n{body}\n}}\n".encode()


def with_suffix(path: Path) -> Path:
    """Return the path with the ending of experiment files, instead of a part of it if need be."""
    stem = path.name
    for ending in (SUFFIX, ".workbench", ".json"):
        if stem.endswith(ending) and stem != ending:
            stem = stem.removesuffix(ending)
            break
    return path.with_name(stem + SUFFIX)


def _missing(path: Path) -> UserError:
    if path.is_dir():
        return UserError(f"{path} is a folder, not an experiment file.", "Choose a file in it.")
    if path.exists():
        return UserError(f"{path} is not an ordinary file.", "Choose another one.")
    return UserError(f"{path} does not exist.", "It may have been moved or renamed.")


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    wrong = UserError(f"{name} is not an experiment.", f"Choose a file that ends in {SUFFIX}.")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if FORMAT.encode() in content:
            raise UserError(
                f"{name} is damaged, perhaps cut off: {error}.",
                "Restore it from a copy, or mend it in a text editor.",
            ) from error
        raise wrong from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise wrong
    if _is_too_deep(document):
        raise UserError(f"{name} is damaged: its values are nested too deeply.")
    return document


def _upgraded(document: dict[str, Any], name: str) -> dict[str, Any]:
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UserError(f"{name} is damaged: it does not say which version it is.")
    if version > VERSION:
        raise UserError(
            f"{name} was made with a newer version of Neural Workbench.",
            "Update Neural Workbench to open it.",
        )
    for step in range(version, VERSION):
        document = MIGRATIONS[step](document)
    return {key: value for key, value in document.items() if key not in ("format", "version")}


def _check_names(experiment: Experiment, name: str) -> None:
    seen: set[str] = set()
    for node in experiment.graph.nodes:
        if not is_identifier(node.id):
            raise UserError(
                f"{name} has a layer called “{node.id}”, which cannot be a name.",
                "Rename it in a text editor: letters, digits and underscores.",
            )
        if node.id in seen:
            raise UserError(
                f"{name} has two layers called “{node.id}”.",
                "Rename one of them in a text editor.",
            )
        seen.add(node.id)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return False
        level = below
    return True


def _line(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=0).decode()


def _block(value: Any) -> str:
    """Return indented JSON for a key at the first level."""
    text = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode()
    return text.replace("\n", "\n  ")
