"""torch.compile where it works, and plain PyTorch where it does not."""

from __future__ import annotations

from typing import Any


class Compiled:
    """Calls a module, compiled if that is wanted and possible.

    Compilation happens in the first training step; whatever goes wrong in it, the module is
    called as it is from then on.
    """

    def __init__(self, module: Any, *, wanted: bool) -> None:
        self._module = module
        self._call = module
        self._warnings: list[str] = []
        if wanted:
            self._call = self._first_call

    def __call__(self, *inputs: Any) -> Any:
        """Return the module's outputs."""
        return self._call(*inputs)

    def warnings(self) -> list[str]:
        """Return, once, why the module is not compiled."""
        found, self._warnings = self._warnings, []
        return found

    def _first_call(self, *inputs: Any) -> Any:
        import torch

        from plugins.backends.pytorch.state import random_states, set_random_states

        buffers = {name: tensor.clone() for name, tensor in self._module.named_buffers()}
        states = random_states(inputs[0].device.type)
        try:
            compiled = torch.compile(self._module)
            # The backward pass is compiled only when it first runs.
            compiled(*inputs).float().sum().backward()
        except Exception as error:
            reason = str(error).strip().splitlines()
            said = reason[0] if reason else type(error).__name__
            self._warnings.append(f"PyTorch could not compile the network ({said}).")
            self._call = self._module
        else:
            self._call = compiled
        for tensor in self._module.parameters():
            tensor.grad = None
        for name, tensor in self._module.named_buffers():
            tensor.copy_(buffers[name])
        set_random_states(states)
        return self._call(*inputs)
