"""Targets as people write them: a class, several classes, one class a step, numbers."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.source import Opened

    Described = DataInfo | Opened
TargetKind = Literal["class", "classes", "steps", "numbers", ""]
NOTHING = "–"
"""Stands for a step without a class."""
SHOWN = 6
MANY = 100
"""Of more steps, those of one class that follow each other are written as “rest*20”."""


def target_kind(data: Described) -> TargetKind:
    """Return what a target says; empty where a person cannot write one, as of a forecast."""
    if data.target is None:
        return "class" if data.classes else ""
    if data.quantities:
        return "numbers" if data.target.shape == (len(data.quantities),) else ""
    if data.classes and data.target.rank == 1:
        return "classes" if data.target.dtype == "float32" else "steps"
    return ""


def read_target(text: str, data: Described) -> int | NDArray[Any]:
    """Return the target that a person wrote.

    Classes are parted by semicolons, else by commas; classes of steps by spaces, too, and
    "rest*20" stands for twenty of one; numbers by any of them. Several classes may be none.

    Raises:
        UserError: it is not of the kind that these data have; with what is expected.
    """
    match target_kind(data):
        case "class":
            return _number(text.strip(), data.classes)
        case "classes":
            found = np.zeros(len(data.classes), np.float32)
            found[[_number(name, data.classes) for name in _names(text, data.classes)]] = 1
            return found
        case "steps":
            return _steps(text, data.classes)
        case "numbers":
            return _numbers(text, data.quantities)
    raise UserError(
        "The targets of these data cannot be written down for single samples.",
        "Leave the sample out, or change the data.",
    )


def write_target(target: NDArray[Any], data: Described) -> str:
    """Return a target so that `read_target` reads it again."""
    match target_kind(data):
        case "class":
            return data.classes[int(target)]
        case "classes":
            return "; ".join(data.classes[place] for place in np.flatnonzero(target))
        case "steps":
            names = [NOTHING if number < 0 else data.classes[number] for number in target.tolist()]
            names = names if len(names) <= MANY else list(_together(names, data.classes))
            return ("; " if any(re.search(r"[\s,]", name) for name in data.classes) else " ").join(
                names
            )
        case "numbers":
            return "; ".join(f"{value:.7g}" for value in target.tolist())
    return ""


def _together(names: Sequence[str], classes: Sequence[str]) -> Iterator[str]:
    for name, same in itertools.groupby(names):
        count = len(list(same))
        together = f"{name}*{count}"
        yield from [name] * count if count == 1 or together in classes else [together]


def expected(data: Described) -> str:
    """Return what a person may write, as a sentence."""
    match target_kind(data):
        case "classes":
            return "The classes that hold, with semicolons between them; nothing for none."
        case "steps":
            return "The class of each word or step in turn; “O*3” is three times O."
        case "numbers" if len(data.quantities) > 1:
            return f"Numbers with semicolons between them: {'; '.join(data.quantities)}."
        case "numbers":
            return f"A number: {data.quantities[0]}."
    return f"One of the classes {_listed(data.classes)}."


def _number(name: str, classes: Sequence[str]) -> int:
    try:
        return classes.index(name)
    except ValueError:
        raise UserError(
            f"The data have no class “{name}”.", f"There are {_listed(classes)}."
        ) from None


def _listed(classes: Sequence[str]) -> str:
    more = f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else ""
    return ", ".join(classes[:SHOWN]) + more


def _names(text: str, classes: Sequence[str]) -> list[str]:
    """Part a text at semicolons; at commas, too, where a part is no class as it is."""
    parts = [part.strip() for part in text.split(";")]
    is_one = [_repeated(part, classes)[0] in classes for part in parts]
    pairs = zip(parts, is_one, strict=True)
    found = [each for part, one in pairs for each in ([part] if one else part.split(","))]
    return [each.strip() for each in found if each.strip()]


def _steps(text: str, classes: Sequence[str]) -> NDArray[np.int64]:
    """Read one class a step; at spaces, too, a text is parted if no class has one."""
    has_spaces = any(len(name.split()) > 1 for name in classes)
    names = _names(text, classes)
    found: list[int] = []
    for part in names if has_spaces else [each for name in names for each in name.split()]:
        name, times = _repeated(part, classes)
        found += [IGNORED if name == NOTHING else _number(name, classes)] * times
    return np.array(found, np.int64)


def _repeated(part: str, classes: Sequence[str]) -> tuple[str, int]:
    name, _, times = (each.strip() for each in part.rpartition("*"))
    is_repeated = part not in classes and bool(name) and times.isdecimal()
    return (name, int(times)) if is_repeated else (part, 1)


def _numbers(text: str, quantities: Sequence[str]) -> NDArray[np.float32]:
    parts = re.split(r"\s*[;,]\s*|\s+", text.strip(" ;,"))
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) != len(quantities) or not all(map(math.isfinite, values)):
        wanted = "a number" if len(quantities) == 1 else f"{len(quantities)} numbers"
        raise UserError(f"“{text}” is not {wanted}.", f"Expected: {'; '.join(quantities)}.")
    return np.array(values, np.float32)
