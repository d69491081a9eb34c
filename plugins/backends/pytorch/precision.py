"""Mixed precision: which casts run on which device, and gradient scaling for float16."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from workbench.errors import UserError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from workbench.plugin_api.backend import Device


class Precision:
    """Automatic mixed precision (https://pytorch.org/docs/stable/amp.html).

    Weights and optimizer state stay float32. float16 needs its gradients scaled, which PyTorch
    does on CUDA only.

    Attributes:
        scaler: torch.amp.GradScaler, or None when gradients need no scaling.
    """

    def __init__(self, name: str, device: Device) -> None:
        kind = device.id.partition(":")[0]
        self._kind = kind
        self._name = name
        self.scaler: Any = None
        if name == "float16":
            if kind != "cuda":
                raise UserError(
                    f"{device.title} cannot train in float16.", "Choose bfloat16 or float32."
                )
            import torch

            self.scaler = torch.amp.GradScaler("cuda")

    def context(self) -> AbstractContextManager[Any]:
        """Return the context in which the forward pass and the loss are computed."""
        if self._name == "float32":
            return contextlib.nullcontext()
        import torch

        return torch.autocast(self._kind, dtype=getattr(torch, self._name))
