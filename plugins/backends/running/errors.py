"""Says of frameworks' errors what they mean and which line of the generated module raised them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "failed to allocate",
    "oom when allocating",
    "resource_exhausted",
    "resource exhausted",
)


def no_memory() -> UserError:
    """Return what a person reads when a network does not fit."""
    return UserError(
        "There is not enough memory for this network.",
        "Make its largest layers smaller, or choose a device with more memory.",
    )


def says_out_of_memory(error: BaseException) -> bool:
    """Whether an error's text says that the device or the computer has no memory left."""
    text = str(error).lower()
    return any(words in text for words in _NO_MEMORY)


def node_of_line(error: BaseException, path: str, lines: Mapping[int, str]) -> str:
    """Return the node whose line of the file at `path` raised the error; empty for none."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == path and frame.lineno in lines:
            found = lines[frame.lineno]
    return found
