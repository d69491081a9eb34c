"""Puts the arrays of a file into a PyTorch network: by their names, or by their order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workbench.plugin_api.importer import Arrays

    Shapes = Mapping[str, tuple[int, ...]]


_SORTS = {
    "gamma": "weight",
    "scale": "weight",
    "kernel": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Other names of what PyTorch's layers call otherwise."""


@dataclass(frozen=True)
class Assignment:
    """Which array each weight takes.

    Attributes:
        theirs: names in the file by those of the network.
        unused: arrays of the file that the network has no place for.
        head: path of the last layer, where the file has all weights but its own.
        by_order: whether their order alone told them apart.
    """

    theirs: Mapping[str, str]
    unused: tuple[str, ...] = ()
    head: str = ""
    by_order: bool = False

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """(name in the file, name here) of those that differ."""
        return tuple((theirs, own) for own, theirs in self.theirs.items() if own != theirs)


def weights_of(module: Any) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's weights in the order of its code."""
    return {
        name: tuple(value.shape)
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")  # counts batches, and is no weight
    }


def assign(own: Shapes, arrays: Arrays, title: str) -> Assignment:
    """Return which array each weight takes; all but the head's must be found, with their shapes.

    Raises:
        UserError: the file does not fit; says how much of it does.
    """
    given = arrays.shapes
    if (found := _by_name(own, given)) is not None:
        return found
    if arrays.is_ordered and _is_alike(own, given):
        return Assignment(dict(zip(own, given, strict=True)), by_order=True)
    head = _head(own)
    body = {name: shape for name, shape in own.items() if not name.startswith(f"{head}.")}
    if head and body and (found := _by_name(body, given)) is not None:
        return replace(found, head=head)
    raise _misfit(own, given, title)


def _by_name(own: Shapes, given: Shapes) -> Assignment | None:
    for names in _variants(list(given)):
        renamed = dict(zip(names, given, strict=True))
        if all(name in renamed and given[renamed[name]] == own[name] for name in own):
            theirs = {name: renamed[name] for name in own}
            unused = tuple(name for name in given if name not in theirs.values())
            return Assignment(theirs, unused)
    return None


def _head(own: Shapes) -> str:
    """Return the path of the last layer that has a matrix, if nothing comes after it."""
    last = [name for name, shape in own.items() if len(shape) == 2][-1:]
    path = last[0].rpartition(".")[0] if last else ""
    return path if path and list(own)[-1].startswith(f"{path}.") else ""


def classes_in(own: Shapes, given: Shapes, classes: int) -> int:
    """Return how many classes a file's head has, where it alone differs from the network's."""
    ours, theirs = list(own.values()), list(given.values())
    if len(ours) != len(theirs):
        return classes
    found = set()
    for one, other in zip(ours, theirs, strict=True):
        if one != other:
            if not one or not other or one[0] != classes or one[1:] != other[1:]:
                return classes
            found.add(other[0])
    return found.pop() if len(found) == 1 else classes


def load(module: Any, assignment: Assignment, arrays: Arrays) -> None:
    """Fill a network with the arrays it was assigned; they are read one after the other."""
    import numpy as np
    import torch

    state = module.state_dict()
    with torch.no_grad():
        for own, theirs in assignment.theirs.items():
            array = np.ascontiguousarray(arrays.read(theirs), np.float32)
            state[own].copy_(torch.from_numpy(array))


def _variants(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names as they are, then without the parts that all of them begin with.

    DistributedDataParallel puts "module." before them, torch.compile "_orig_mod.", Lightning and
    others the name of what held the network.
    """
    parts = [name.split(".") for name in names]
    for count in itertools.count():
        yield [".".join(each[count:]) for each in parts]
        if not parts or any(
            len(each) <= count + 1 or each[count] != parts[0][count] for each in parts
        ):
            return


def _is_alike(own: Shapes, given: Shapes) -> bool:
    pairs = zip(own.items(), given.items(), strict=False)
    return len(own) == len(given) and all(
        one == other and _sort(name) == _sort(theirs) for (name, one), (theirs, other) in pairs
    )


def _sort(name: str) -> str:
    """Return what an array does in its layer: "weight", "bias", "running_mean" …."""
    last = name.rpartition(".")[2]
    return _SORTS.get(last, last)


def _words(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _misfit(own: Shapes, given: Shapes, title: str) -> UserError:
    same = [name for name in own if name in given]
    wrong = [name for name in same if given[name] != own[name]]
    if wrong:
        name = wrong[0]
        detail = f"{name} is {_words(given[name])} in the file, but {_words(own[name])} in it"
    elif same:
        missing = next(name for name in own if name not in given)
        detail = f"the file has {len(same)} of its {len(own)} weights, and lacks {missing}"
    else:
        detail = f"the file has {len(given)} arrays, and it has {len(own)} weights of other names"
    return UserError(
        f"The file does not fit {title}: {detail}.", "Choose the architecture it was trained with."
    )
