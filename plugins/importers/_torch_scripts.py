"""Opens TorchScript after looking at all that is written in it: nothing of it can reach a file."""

from __future__ import annotations

import pickletools
import re
import zipfile
from typing import TYPE_CHECKING, Any

from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMESPACES = (
    *("aten", "prim", "prims", "quantized", "_quantized", "sparse", "mkldnn", "mkldnn_prepacked"),
    *("onednn", "torchvision"),
)
"""Of operations that do nothing but compute. Others write to memory, talk to other computers, …"""
REACHING = ("save", "from_file", "read_file", "write_file", "PythonOp")
"""Operations that reach beyond their values, by their names without namespace."""
BUILT_IN = ("quantized", "rnn")
"""Namespaces of PyTorch's own classes in a pickle: packed parameters of quantised networks."""
QUANTISED = re.compile(r"code/__torch__/torch/(ao/)?nn/(\w+/)*quantized/", re.IGNORECASE)
LARGEST_TEXT = 64 * 2**20

_REACHING = re.compile(rf"\b({'|'.join(REACHING)}|rpc_(?:sync|async|remote))\b")
_GAP = r"(?:\s|\\|#[^\n]*\n)*"
_OPERATION = re.compile(rf"(?<![.\w])ops{_GAP}\.{_GAP}(\w+){_GAP}\.")
_RENAMED = re.compile(rf"[=(,\[]{_GAP}ops\b(?!{_GAP}\.)")
_CLASS = re.compile(r"\bclasses\.(\w+)")
_HIDDEN = re.compile(r"\\[0-9xuUN]")


def open_script(path: Path) -> Any:
    """Load a TorchScript module in evaluation mode, in float32, on the processor.

    Raises:
        NotCoveredError: it takes several inputs, or has no parameters.
        UserError: it reads or writes files, or would run code while it is loaded.
    """
    import torch

    check_archive(path)
    script = torch.jit.load(path, map_location="cpu")
    if not any(True for _ in script.parameters()):
        raise NotCoveredError(
            f"{path.name} has no parameters that could be trained: it is quantised, or "
            "torch.jit.freeze made numbers of them.",
            "Take the network from before that, or as .onnx, which can be kept as it is.",
        )
    script = script.eval().float()
    _check_graph(script, path.name)
    return script


def check_archive(path: Path) -> None:
    """Raise a UserError for an archive with code that does more than to compute.

    torch.jit.load runs the methods `__setstate__` of classes in the file. So the file is looked
    through before: by PyTorch's own reader, as another might see other things in the same archive.
    """
    import torch

    reader = torch._C.PyTorchFileReader(str(path))
    names = reader.get_all_records()
    if len({name.casefold() for name in names}) < len(names):
        raise _refused(path, "it holds several things of one name")
    if reader.has_record("model.json"):
        raise UserError(
            f"{path.name} was written by a PyTorch older than 1.4, and is not loaded.",
            "Save it again with a newer PyTorch, or take its weights as .safetensors.",
        )
    for name in names:
        is_code = name.casefold().endswith(".py")
        if is_code or name.casefold().endswith(".pkl"):
            content = reader.get_record(name)
            if len(content) > LARGEST_TEXT:
                raise _refused(path, f"{name} in it is too large to be looked through")
            if is_code:
                _check_code(path, name, content.decode("utf-8", "replace"))
            else:
                _check_pickle(path, content)


def _check_code(path: Path, name: str, text: str) -> None:
    if "__setstate__" in text and not QUANTISED.match(name):
        raise _refused(path, "it has code that would run while it is loaded (__setstate__)")
    if found := _REACHING.search(text):
        raise _refused(path, f"it has code that reaches beyond its values ({found[0]})")
    for operation in _OPERATION.finditer(text):
        if operation[1] not in NAMESPACES:
            raise _refused(path, f"it calls operations of another program (ops.{operation[1]})")
    if _RENAMED.search(text) or ("getattr" in text and _HIDDEN.search(text)):
        raise _refused(path, "its code writes names in a hidden way")
    _check_classes(path, text)


def _check_pickle(path: Path, content: bytes) -> None:
    """Look at what a pickle names, without unpickling it."""
    try:
        for code, value, _ in pickletools.genops(content):
            if code.name == "GLOBAL":
                _check_classes(path, str(value))
    except ValueError as error:
        raise UserError(
            f"{path.name} is damaged: {first_line(error).rstrip('.')}.", "Copy it again."
        ) from error


def _check_classes(path: Path, text: str) -> None:
    if "torch.classes" not in text:
        return
    for found in _CLASS.finditer(text):
        if found[1] not in BUILT_IN:
            raise _refused(path, f"it makes objects of another program ({found[0]})")


def _refused(path: Path, reason: str) -> UserError:
    return UserError(
        f"{path.name} is not loaded: {reason}.",
        "Export the network as .onnx or .pt2 where it is at home, or save its weights as "
        ".safetensors.",
    )


def _check_graph(script: Any, name: str) -> None:
    """Raise an error for what is computed from something else, or takes several inputs."""
    graph = script.inlined_graph
    for kind in _kinds(graph):
        namespace, _, operation = kind.partition("::")
        if namespace not in NAMESPACES or operation in REACHING:
            raise UserError(
                f"{name} has code that reaches beyond its values ({kind}), and is not run.",
                "Take the network's weights from somebody you trust, as .safetensors.",
            )
    given = list(graph.inputs())[1:]
    if len(given) != 1:
        names = ", ".join(value.debugName() for value in given)
        raise NotCoveredError(
            f"{name} has {len(given)} inputs ({names}); a document here takes one.",
            "Take the network as .onnx, if there is one: there, a setting such as a sampling rate "
            "is fixed and a state begins at zero. Else save a module that takes samples alone.",
        )


def _kinds(block: Any) -> Iterator[str]:
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _kinds(inner)


def traced_shape(path: Path) -> tuple[int, ...] | None:
    """Return the shape of the example that torch.jit.trace kept; the pickle is only looked at.

    Raises:
        NotCoveredError: the example is whole numbers.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("traced_inputs.pkl")]
        content = archive.read(names[0]) if names else b""
    if b"LongStorage" in content or b"IntStorage" in content:
        raise NotCoveredError(
            f"{path.name} takes whole numbers, such as tokens, which TorchScript is not read with.",
            "Save the network as .pt2 (torch.export.save) or .onnx where it is at home.",
        )
    numbers: list[int] = []
    for code, value, _ in pickletools.genops(content) if content else ():
        if code.name.startswith("BININT"):
            numbers.append(int(value))
        elif code.name == "MARK":
            numbers = []
        elif code.name.startswith("TUPLE") and len(numbers) > 1:
            sizes = numbers[-int(code.name[5:] or len(numbers)) :]
            if len(sizes) > 1:
                return tuple(sizes)
        elif code.name != "BINPUT":
            numbers = []
    return None
