"""A weights file that is open: what it holds, and how an array of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.analysis.weights import CANONICAL, Order, Stored
from workbench.errors import UserError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

MOST_ARRAYS = 20_000
"""A file with more of them holds no weights of a network that could be drawn here."""


@dataclass(frozen=True)
class WeightsFile:
    """What a file holds; valid while it is open.

    Attributes:
        kind: what it is, for people: "PyTorch state dict".
        stored: its arrays, in the order of the network as far as the file keeps that.
        read: returns one of them; called only for those whose shape is wanted, so that no file
            can ask for more memory than the network.
        layout: whose layout its arrays most likely have.
        order: that of `stored`.
        beside: names of other sets of weights in the file, which were not taken.
    """

    kind: str
    stored: Sequence[Stored]
    read: Callable[[Stored], NDArray[Any]]
    layout: str = CANONICAL
    order: Order = "code"
    beside: tuple[str, ...] = ()


def damaged(name: str, error: object) -> UserError:
    """Say that a file cannot be read to its end."""
    return UserError(
        f"{name} is damaged or cut off: {first_line(error).rstrip('.')}.",
        "Copy or download it again.",
    )


def no_weights(name: str) -> UserError:
    """Say that a file holds no weights at all."""
    return UserError(
        f"{name} is not a weights file.",
        "Choose a file that ends in .safetensors, .pt, .pth, .weights.h5, .h5 or .keras.",
    )


def too_many(name: str) -> UserError:
    """Say that a file holds more arrays than any network."""
    return UserError(f"{name} holds more than {MOST_ARRAYS} arrays, so it is no weights file.")


def with_keys(stored: Sequence[Stored]) -> list[Stored]:
    """Let dotted names be known without the parts that all of them begin with.

    DistributedDataParallel puts "module." before them, torch.compile "_orig_mod.", and whoever
    keeps a network in another module that module's name.
    """
    common: list[str] = []
    names = [item.name.split(".") for item in stored]
    while names and all(len(parts) > 1 and parts[0] == names[0][0] for parts in names):
        common.append(names[0][0])
        names = [parts[1:] for parts in names]
    return [
        Stored(
            item.name,
            item.shape,
            tuple(_shortened(item.name, count) for count in range(1, len(common) + 1)),
            item.role,
            item.numbers,
        )
        for item in stored
    ]


def _shortened(name: str, count: int) -> str:
    return ".".join(name.split(".")[count:])
