"""Runs a network of PyTorch on pictures of other sizes, to see how its modules follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.importers._sizes import growth_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugins.importers._sizes import Growth
    from workbench.plugin_api.layer import Part


def growth_in(
    module: Any,
    parts: Sequence[Part],
    head: str,
    size: tuple[int, int],
    run: Callable[[tuple[int, int]], Any],
) -> Growth | None:
    """Return how the parts follow the size of pictures; None where what it gives does not.

    Args:
        head: path of the module before which it ends; empty: it ends with its own output.
        size: height and width that it was looked at with.
        run: gives the network's output for pictures of a size.
    """
    import torch

    seen: dict[str, tuple[int, ...]] = {}

    def note(path: str, value: Any) -> None:
        first = value[0] if isinstance(value, tuple) and value else value
        seen[path] = tuple(first.shape[1:]) if isinstance(first, torch.Tensor) else ()

    def shapes(size: tuple[int, int]) -> Mapping[str, tuple[int, ...]] | None:
        seen.clear()
        try:
            with torch.no_grad():
                answer = run(size)
        except Exception:  # whatever a program raises that does not take the size
            return None
        seen.setdefault("", tuple(answer.shape[1:]))
        known = (part for part in parts if part.shape is not None and part.path in seen)
        return {part.path: _canonical(seen[part.path], part) for part in known}

    hooks = [
        module.get_submodule(part.path).register_forward_hook(
            lambda _, given, output, path=part.path: note(path, output)
        )
        for part in parts
        if part.path
    ]
    if head:
        last = module.get_submodule(head)
        hooks.append(last.register_forward_pre_hook(lambda _, given: note("", given)))
    try:
        first = {part.path: part.shape for part in parts if part.shape is not None}
        found = growth_of(shapes, size, first)
    finally:
        for hook in hooks:
            hook.remove()
    return found if found is not None and "" in found.rules else None


def _canonical(shape: tuple[int, ...], part: Part) -> tuple[int, ...]:
    return (*shape[1:], *shape[:1]) if part.channels_first and len(shape) == 3 else shape
