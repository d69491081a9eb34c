"""A running average of weights and statistics that takes their place outside training steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Averages:
    """Keeps a second copy of tensors; one of the two lies in the tensors themselves.

    Args:
        tensors: by canonical name.
    """

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self.tensors = dict(tensors)
        self._are_shown = False
        self._others = self._copies()

    def update(self, share: float) -> None:
        """Take the present weights into the average, by a share."""
        import torch

        with torch.no_grad():
            torch._foreach_lerp_(self._others, self._present(), share)

    def show(self, *, averaged: bool) -> None:
        """Put the average into the tensors, or what training has."""
        import torch

        if averaged == self._are_shown:
            return
        with torch.no_grad():
            for tensor, other in zip(self.tensors.values(), self._others, strict=True):
                kept = tensor.clone()
                tensor.copy_(other)
                other.copy_(kept)
        self._are_shown = averaged

    def begin(self) -> None:
        """Let the average begin with the tensors' present values."""
        self._others, self._are_shown = self._copies(), False

    def _copies(self) -> list[Any]:
        return [tensor.detach().clone() for tensor in self.tensors.values()]

    def _present(self) -> list[Any]:
        return [tensor.detach() for tensor in self.tensors.values()]
