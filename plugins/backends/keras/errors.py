"""Says of the frameworks' errors what they mean and which node raised them."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from plugins.backends.running.errors import node_of_line, says_out_of_memory
from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError, OutOfMemoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.backends.keras.modules import LoadedModel


def explained(error: Exception, loaded: LoadedModel) -> Exception:
    """Return the error to raise instead: OutOfMemoryError, NodeError, or the error itself."""
    if isinstance(error, UserError | NodeError | OutOfMemoryError):
        return error
    if is_out_of_memory(error):
        return OutOfMemoryError(str(error))
    node = (
        _node_of_layer(error, loaded.node_of_layer)
        or node_of_line(error, loaded.path, loaded.lines)
        or _node_of_scope(str(error), loaded.node_of_layer)
    )
    return NodeError(node, f"{type(error).__name__}: {error}") if node else error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device or the computer has no memory left."""
    return isinstance(error, MemoryError) or says_out_of_memory(error)


def _node_of_layer(error: BaseException, nodes: Mapping[str, str]) -> str:
    """Return the node in whose layer's method the error was raised."""
    found = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = getattr(frame.f_locals.get("self"), "name", None)
        if isinstance(name, str) and name in nodes:
            found = nodes[name]
    return found


def _node_of_scope(message: str, nodes: Mapping[str, str]) -> str:
    """Return the node that a compiled graph's error names by its scope: "cnn/conv1_1/Relu"."""
    for scope in re.findall(r"[/\s]([A-Za-z0-9][\w.]*?)(?:_\d+)?/", message):
        if scope in nodes:
            return nodes[scope]
    return ""
