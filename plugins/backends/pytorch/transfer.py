"""Moves batches from NumPy's canonical layout to PyTorch's on the device, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALIGNMENT = 64
"""Bytes; matrix products may round differently for memory that is aligned differently, and a
resumed run must repeat every bit."""


class Transfer:
    """Takes arrays as they are where it can; CUDA gets them through pinned memory.

    Args:
        channels_last: keep pictures as N × H × W × C in memory (PyTorch's memory format).
    """

    def __init__(self, device: Any, *, channels_last: bool) -> None:
        self._device = device
        self._kind = device.type
        self._channels_last = channels_last

    def inputs(self, array: NDArray[np.float32]) -> Any:
        """Return inputs on the device; pictures and volumes channels first."""
        tensor = self.moved(array)
        rank = tensor.dim()
        if rank < 4:
            return tensor
        if self._channels_last and rank == 4:
            return tensor.permute(0, 3, 1, 2)
        if tensor.shape[-1] == 1:  # the same memory, and not to be taken for channels last
            return tensor.view(len(tensor), 1, *tensor.shape[1:-1])
        return tensor.permute(0, rank - 1, *range(1, rank - 1)).contiguous()

    def targets(self, array: NDArray[Any]) -> Any:
        """Return targets on the device."""
        return self.moved(array)

    def moved(self, array: NDArray[Any]) -> Any:
        """Return an array on the device, as it is."""
        tensor = _tensor(array)
        if self._kind == "cpu":
            return tensor
        if self._kind == "cuda":
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


def canonical(outputs: Any) -> NDArray[np.float32]:
    """Return outputs with channels last, as float32 on the host."""
    rank = outputs.dim()
    if rank >= 4:
        outputs = outputs.permute(0, *range(2, rank), 1)
    array: NDArray[np.float32] = outputs.float().contiguous().cpu().numpy()
    return array


def _tensor(array: NDArray[Any]) -> Any:
    import torch

    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return torch.from_numpy(array)
    tensor = torch.empty(array.shape, dtype=getattr(torch, array.dtype.name))
    tensor.numpy()[...] = array
    return tensor
