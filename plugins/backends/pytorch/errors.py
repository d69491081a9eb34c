"""Says of PyTorch's errors what they mean and which node raised them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.running.errors import node_of_line, says_out_of_memory
from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError, OutOfMemoryError

if TYPE_CHECKING:
    from plugins.backends.pytorch.modules import LoadedModule


def explained(error: Exception, loaded: LoadedModule) -> Exception:
    """Return the error to raise instead: OutOfMemoryError, NodeError, or the error itself."""
    if isinstance(error, UserError | NodeError | OutOfMemoryError):
        return error
    if is_out_of_memory(error):
        return OutOfMemoryError(str(error))
    node = node_of_line(error, loaded.path, loaded.lines)
    return NodeError(node, f"{type(error).__name__}: {error}") if node else error


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that the device or the computer has no memory left."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and says_out_of_memory(error)
