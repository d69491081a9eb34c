"""Reads what torch.save wrote, weights only: unpickling never runs code of the file."""

from __future__ import annotations

import contextlib
import pickle
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from workbench.analysis.weights import Stored
from workbench.errors import UserError
from workbench.worker.weights.file import WeightsFile, damaged, no_weights, with_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_INSIDE = ("state_dict", "model_state_dict", "model", "network", "net", "module", "weights")
"""Keys under which training scripts keep a state dict among other things."""
_DEEPEST = 4


@contextlib.contextmanager
def open_torch(path: Path) -> Iterator[WeightsFile]:
    """Open a state dict, alone or under "state_dict" or "model"; its order is the module's.

    Raises:
        UserError: it holds more than weights, no weights, or is damaged.
    """
    import torch

    content = _loaded(path)
    tensors, beside = _tensors(content)
    if not tensors:
        raise UserError(
            f"{path.name} holds no weights by name.",
            "Save them with torch.save(model.state_dict(), file).",
        )

    def read(item: Stored) -> NDArray[Any]:
        value: NDArray[Any] = tensors[item.name].detach().to(torch.float64).numpy()
        return value

    stored = [
        Stored(name, tuple(tensor.shape), numbers=_numbers(tensor))
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")  # counts batches, and is no weight
    ]
    yield WeightsFile("PyTorch state dict", with_keys(stored), read, "PyTorch", beside=beside)


def _loaded(path: Path) -> Any:
    import torch

    is_zip = zipfile.is_zipfile(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Mapped arrays stay on the disk until their shape is known to be wanted.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        if "TorchScript" in str(error) or "exported" in str(error).lower():
            raise _program(path.name) from error
        if not is_zip and "invalid load key" in str(error):
            raise no_weights(path.name) from error
        raise UserError(
            f"{path.name} holds more than weights, and reading that could run code of the file.",
            "Where the model is at home, save torch.save(model.state_dict(), file).",
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to mean
        if "TorchScript" in str(error):
            raise _program(path.name) from error
        raise damaged(path.name, error) from error


def _program(name: str) -> UserError:
    return UserError(
        f"{name} is a whole program of PyTorch, not a state dict.",
        "Save torch.save(model.state_dict(), file) instead.",
    )


def _tensors(content: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the state dict in a file: the file itself, or what lies under a usual key.

    Returns:
        The tensors by name, and keys of other state dicts beside, such as averaged weights.
    """
    import torch

    beside: tuple[str, ...] = ()
    for _ in range(_DEEPEST):
        if not hasattr(content, "items"):
            return {}, ()
        found = {k: v for k, v in content.items() if isinstance(k, str) and _is(v, torch.Tensor)}
        inner = {k: v for k, v in content.items() if k not in found and hasattr(v, "items")}
        named = next((key for key in _INSIDE if key in inner), None)
        if named is None and len(inner) == 1 and not found:
            named = next(iter(inner))
        if named is None:
            return found, beside
        beside = tuple(
            str(key)
            for key, value in inner.items()
            if key != named and value and all(_is(each, torch.Tensor) for each in value.values())
        )
        content = inner[named]
    return {}, ()


def _is(value: Any, kind: Any) -> bool:
    return isinstance(value, kind)


def _numbers(tensor: Any) -> str:
    import torch

    if tensor.layout != torch.strided:
        return "sparse"
    if tensor.is_quantized:
        return "quantized"
    kind = str(tensor.dtype).removeprefix("torch.")
    return "" if kind in ("float64", "float32", "float16", "bfloat16") else kind
