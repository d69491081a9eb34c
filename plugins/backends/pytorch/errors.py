"""Says of PyTorch's errors what they mean and which node raised them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError, OutOfMemoryError

if TYPE_CHECKING:
    from plugins.backends.pytorch.modules import LoadedModule

_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate")


def explained(error: Exception, loaded: LoadedModule) -> Exception:
    """Return the error to raise instead: OutOfMemoryError, NodeError, or the error itself."""
    if isinstance(error, UserError | NodeError | OutOfMemoryError):
        return error
    if is_out_of_memory(error):
        return OutOfMemoryError(str(error))
    node = node_of(error, loaded)
    return NodeError(node, f"{type(error).__name__}: {error}") if node else error


def node_of(error: BaseException, loaded: LoadedModule) -> str:
    """Return the node whose generated line raised the error; empty for none."""
    found = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == loaded.path and frame.lineno in loaded.lines:
            found = loaded.lines[frame.lineno]
    return found


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that the device or the computer has no memory left."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)
