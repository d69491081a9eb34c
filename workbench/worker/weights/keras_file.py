"""Reads Keras' HDF5 weights: .weights.h5, the ones inside .keras, and the older .h5.

Nothing of Keras takes part, so that no layer is made and no Lambda can run: only arrays are read,
and only those that lie in the file itself.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import TYPE_CHECKING, Any

from workbench.analysis.weights import Stored, role_of
from workbench.errors import UserError
from workbench.worker.weights.file import MOST_ARRAYS, WeightsFile, damaged, too_many

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MEMBER = "model.weights.h5"
"""Where a .keras file keeps its weights."""
LARGEST_MEMBER = 16 * 2**30
_DEEPEST = 24
_VECTORS = {2: ("scale", "bias"), 4: ("scale", "bias", "mean", "variance")}
"""What one-dimensional variables of equal size are: of layer and batch normalisation."""


@contextlib.contextmanager
def open_keras(path: Path) -> Iterator[WeightsFile]:
    """Open a .keras file for its weights alone; raises UserError when it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MEMBER).file_size > LARGEST_MEMBER:
                raise UserError(f"{path.name} holds more than 16 GB of weights.")
            content = archive.read(MEMBER)
    except UserError:
        raise
    except Exception as error:  # decompressors raise their own kinds on damaged files
        raise damaged(path.name, error) from error
    with _opened(io.BytesIO(content), path.name, "Keras model, weights alone") as file:
        yield file


@contextlib.contextmanager
def open_h5(path: Path) -> Iterator[WeightsFile]:
    """Open an HDF5 file; raises UserError when it is damaged."""
    with _opened(path, path.name, "Keras weights") as file:
        yield file


@contextlib.contextmanager
def _opened(content: Path | io.BytesIO, name: str, kind: str) -> Iterator[WeightsFile]:
    import h5py

    try:
        with h5py.File(content, "r") as file:
            data = _datasets(file)
            stored = _older(file, data) if _older_root(file) is not None else _newer(data)
    except UserError:
        raise
    except Exception as error:  # h5py raises all sorts on damaged files
        raise damaged(name, error) from error
    paths = {item.name: path for path, item in stored.items()}
    with h5py.File(content, "r") as file:

        def read(item: Stored) -> NDArray[Any]:
            try:
                found = file[paths[item.name]]
                array: NDArray[Any] = found[()]
                if found.attrs.get("dtype") == "bfloat16":
                    array = _from_bfloat16(array)
            except Exception as error:
                raise damaged(name, error) from error
            return array

        yield WeightsFile(kind, list(stored.values()), read, "Keras", order="unsure")


def _from_bfloat16(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    bits = np.ascontiguousarray(array).view(np.uint16).reshape(array.shape)
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _datasets(file: Any) -> dict[str, Any]:
    """Return the arrays by path, in the order in which they lie in the file.

    Keras writes a network's layers one after the other, while HDF5 lists them by name. Links to
    other files are passed over, and so are arrays whose values lie elsewhere.
    """
    import h5py

    found: dict[str, Any] = {}
    seen: set[Any] = set()

    def walk(group: Any, path: str, depth: int) -> None:
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                continue
            item = group[key]
            place = h5py.h5o.get_info(item.id).addr
            if place in seen:
                continue
            seen.add(place)
            if isinstance(item, h5py.Group):
                if depth < _DEEPEST:
                    walk(item, f"{path}{key}/", depth + 1)
            elif isinstance(item, h5py.Dataset) and not item.is_virtual and not item.external:
                found[f"{path}{key}"] = item
                if len(found) > MOST_ARRAYS:
                    raise too_many("The file")

    walk(file, "", 0)
    offsets = {path: item.id.get_offset() for path, item in found.items()}
    if all(offset is not None for offset in offsets.values()):
        return dict(sorted(found.items(), key=lambda pair: offsets[pair[0]]))
    return found


def _newer(data: dict[str, Any]) -> dict[str, Stored]:
    """Keras 3: "layers/dense_1/vars/0", where the group "vars" knows the layer's own name."""
    roles = _roles({path: item.shape for path, item in data.items()})
    stored: dict[str, Stored] = {}
    taken: set[str] = set()
    for path, item in data.items():
        if path.startswith(("optimizer/", "_optimizer/")):
            continue
        parts = path.split("/")
        keys = []
        for end in range(len(parts) - 1, 0, -1):
            own = item.file.get("/".join([*parts[:end], "vars"]))
            if own is not None and (name := _text(own.attrs.get("name", ""))):
                keys.append("/".join((name, *parts[end:])))
        name = keys[0] if keys else path
        name = path if name in taken else name
        taken.add(name)
        stored[path] = Stored(name, item.shape, (*keys, path), roles[path], _numbers(item))
    return stored


def _older_root(file: Any) -> Any:
    root = file.get("model_weights", file)
    return root if hasattr(root, "attrs") and "layer_names" in root.attrs else None


def _older(file: Any, data: dict[str, Any]) -> dict[str, Stored]:
    """Keras 2: each layer is a group that lists its weights, such as "conv1/kernel:0"."""
    root = _older_root(file)
    inside = root.name.strip("/")
    stored = {}
    for layer in map(_text, root.attrs["layer_names"]):
        if layer not in root:
            continue
        for number, weight in enumerate(map(_text, root[layer].attrs.get("weight_names", ()))):
            path = "/".join(part for part in (inside, layer, weight) if part)
            item = data.get(path)
            if item is None:
                continue
            plain = weight.split(":")[0]
            inner = plain.removeprefix(f"{layer}/")
            last = plain.split("/")[-1]
            keys = (f"{layer}/{inner}", f"{layer}/{last}", f"{layer}/weights/{number}")
            role = role_of(last, item.shape)
            stored[path] = Stored(f"{layer}/{inner}", item.shape, keys, role, _numbers(item))
    return stored


def _roles(shapes: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """Tell what numbered variables are from their shapes beside each other in a layer."""
    groups: dict[str, list[str]] = {}
    for path in sorted(shapes, key=lambda path: (path.rpartition("/")[0], len(path), path)):
        groups.setdefault(path.rpartition("/")[0], []).append(path)
    roles = {}
    for paths in groups.values():
        vectors = [path for path in paths if len(shapes[path]) == 1]
        named = _VECTORS.get(len(paths)) if len(vectors) == len(paths) else None
        for number, path in enumerate(paths):
            if named:
                roles[path] = named[number]
            elif len(shapes[path]) > 1:
                roles[path] = "kernel"
            else:
                roles[path] = "bias" if len(paths) > 1 else "scale"
    return roles


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _numbers(item: Any) -> str:
    if item.attrs.get("dtype") == "bfloat16":
        return ""
    return "" if item.dtype.kind == "f" and item.dtype.itemsize <= 8 else str(item.dtype)
