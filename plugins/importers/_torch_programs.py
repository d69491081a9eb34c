"""Turns programs of torch.export and TorchScript into layers."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._aten_program import exported
from plugins.importers._layouts import INPUT_SIZES, UNSCALED, best_layout, many, preprocessing_of
from plugins.importers._torch_scripts import open_script, traced_shape
from plugins.importers._values import from_canonical, to_canonical
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._aten_program import Expanded

_Read = TypeVar("_Read")


def imported(path: Path, kind: str, tell: Callable[[str], None]) -> Imported:
    """Read a program and turn it into layers.

    Raises:
        NotCoveredError: it does what no layer here does.
        UserError: the file is damaged, or would read or write files.
    """
    tell(f"Reading {path.name}")
    program, run, batch = loaded(path, _scripted if kind == "TorchScript" else _exported)
    tell("Turning it into layers")
    expanded = best_layout(program, batch)
    (entry,) = expanded.inputs
    changed = list(expanded.changed)
    preprocessing = preprocessing_of(entry.shape)
    if preprocessing is not None:
        changed.append(UNSCALED)
    if batch != BATCH:
        changed.append(many(batch))
    return Imported(
        name=path.stem,
        origin=f"the program in {path.name}, of {kind}",
        graph=expanded.graph,
        weights=expanded.weights,
        input_shape=entry.shape,
        original=_runner(run, expanded, 0 if batch == BATCH else batch),
        parameters=expanded.parameters,
        preprocessing=preprocessing,
        matched=len(expanded.used),
        skipped=expanded.skipped,
        changed=changed,
    )


def loaded(path: Path, load: Callable[[Path], _Read]) -> _Read:
    """Return what a function makes of a program; raises UserError where PyTorch cannot read it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load(path)
    except UserError:
        raise
    except Exception as error:  # whatever a damaged file, or one of another version, raises
        raise UserError(
            f"PyTorch cannot load {path.name}: {first_line(error)}.",
            "It may be damaged, or of another version of PyTorch: save it again there.",
        ) from error


def _exported(path: Path) -> tuple[Any, Callable[..., Any], int]:
    """Return the program of a .pt2 file for a batch of ours if it takes any, and what runs it."""
    import torch

    refuse_code(path)
    program = torch.export.load(path)
    for node in program.graph.nodes:
        if node.op == "call_function" and not _is_plain(node.target):
            raise NotCoveredError(f"{path.name} computes “{node.target}”, which is no layer here.")
    examples = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    if len(examples) != 1 or not isinstance(examples[0], torch.Tensor):
        raise NotCoveredError(f"{path.name} has {len(examples)} inputs; a document here takes one.")
    module = program.module(check_guards=False)
    (example,) = examples
    if is_reduced(program):
        module = module.float()
        example = example.float() if example.is_floating_point() else example
    free = [axis for axis, size in enumerate(example.shape) if not isinstance(size, int)]
    if not free and not is_reduced(program):
        return program, module, int(example.shape[0])
    if not free:
        again = exported(module, torch.zeros(tuple(example.shape), dtype=example.dtype))
        return again, module, int(example.shape[0])
    if free[0] != 0:
        raise NotCoveredError(f"{path.name} takes a fixed number of samples of any size.")
    shape = [size if isinstance(size, int) else INPUT_SIZES[0] for size in example.shape[1:]]
    return exported(module, torch.zeros(BATCH, *shape, dtype=example.dtype)), module, BATCH


def is_reduced(program: Any) -> bool:
    """Whether a program has weights of another precision than float32."""
    import torch

    return any(
        value.is_floating_point() and value.dtype != torch.float32
        for value in program.state_dict.values()
    )


def results_of(found: Any) -> list[Any]:
    """Return what a network gives, one after the other."""
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, tuple | list) else [found]


def _is_plain(target: Any) -> bool:
    """Whether an operation is one of tensors, or arithmetic of sizes."""
    import torch

    is_sum = getattr(target, "__module__", "") in ("_operator", "math")
    is_size = getattr(torch, getattr(target, "__name__", ""), None) is target and (
        target.__name__.startswith("sym_")
    )
    return isinstance(target, torch._ops.OpOverload) or is_sum or is_size


SIZES = (
    *("Mul", "Add", "Pow", "Rational", "floor", "ceiling", "TruncToInt", "IntTrueDiv", "Mod"),
    *("PythonMod", "FloorDiv", "CleanDiv", "CeilDiv", "Max", "Min", "Symbol", "Integer"),
    *("positive", "integer", "nonnegative", "True", "False", "int_oo", "oo"),
)
"""What sizes in a program may be written with, besides symbols such as s31."""


def check_program(path: Path, kind: str) -> None:
    """Raise a UserError for a program that would do more than to compute.

    Args:
        kind: "torch.export" or "TorchScript".
    """
    if kind == "torch.export":
        refuse_code(path)
    else:
        open_script(path)


def refuse_code(path: Path) -> None:
    """Raise a UserError for a .pt2 file that has more in it than operations and numbers.

    torch.export.load unpickles tensors that are marked so, and evaluates the texts in which sizes
    are written.
    """
    import torch

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        texts = [archive.read(name) for name in names if name.endswith(".json")]
        pickles = [archive.read(name) for name in names if "/sample_inputs/" in name]
    held = [json.loads(text) for text in texts]
    for content in pickles:  # where this fails, PyTorch would unpickle whatever is there
        torch.load(io.BytesIO(content), weights_only=True)
    if any(_has(part, "use_pickle", True) for part in held) or any(
        "/custom_obj" in name or "/aotinductor/" in name for name in names
    ):
        raise UserError(
            f"{path.name} has pickled objects or compiled code in it, which could do anything on "
            "this computer, and is not loaded.",
            "Save the program again without them, or take its weights as .safetensors.",
        )
    for part in held:
        for text in _values(part, "expr_str"):
            words = re.findall(r"[A-Za-z_]\w*", str(text))
            wrong = [w for w in words if w not in SIZES and not re.fullmatch(r"[su]\d+", w)]
            if wrong or not re.fullmatch(r"[\w\s+\-*/%(),<>=']*", str(text)):
                raise UserError(
                    f"{path.name} writes a size as “{str(text)[:60]}”, which is no size.",
                    "Take the file from somebody you trust.",
                )


def _has(part: Any, name: str, value: Any) -> bool:
    return any(found == value for found in _values(part, name))


def _values(part: Any, name: str) -> Iterator[Any]:
    if isinstance(part, dict):
        if name in part:
            yield part[name]
        for inner in part.values():
            yield from _values(inner, name)
    elif isinstance(part, list):
        for inner in part:
            yield from _values(inner, name)


def _scripted(path: Path) -> tuple[Any, Callable[..., Any], int]:
    """Return what torch.export makes of a TorchScript module, and what runs that."""
    import torch

    script = open_script(path)

    class Holder(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return script(x)

    refusal: Exception | None = None
    for shape in shapes_of(path):
        try:
            with torch.no_grad():
                script(torch.zeros(shape))
        except Exception as error:
            refusal = refusal or error
            continue
        program = exported(Holder().eval(), torch.zeros(BATCH, *shape[1:]))
        _name_weights(program, script)
        return program, script, BATCH
    reason = str(refusal).strip().splitlines()[-1] if refusal else ""
    raise NotCoveredError(
        f"{path.name} does not take one picture, nor does it say what it takes: {reason[:160]}"
    )


def shapes_of(path: Path) -> Iterator[tuple[int, ...]]:
    """Yield what a program may take: what it was traced with, or pictures of usual sizes."""
    traced = traced_shape(path)
    if traced:
        yield traced
    for size in INPUT_SIZES:
        for channels in (3, 1):
            yield (2, channels, size, size)


def _name_weights(program: Any, script: Any) -> None:
    """Give the weights, which are constants to torch.export, the names that the module has."""
    from torch.export.graph_signature import InputKind

    known = {value.data_ptr(): name for name, value in script.named_parameters()}
    buffers = {value.data_ptr(): name for name, value in script.named_buffers()}
    for spec in program.graph_signature.input_specs:
        if spec.kind == InputKind.USER_INPUT:
            continue
        tensor = program.constants.get(spec.target)
        if tensor is None:
            continue
        name = known.get(tensor.data_ptr()) or buffers.get(tensor.data_ptr())
        if name is None:
            continue
        program.constants[name] = tensor
        spec.target = name
        if tensor.data_ptr() in known:
            spec.kind = InputKind.PARAMETER


def _runner(
    run: Callable[..., Any], expanded: Expanded, fixed: int
) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Return what runs the program itself, as many samples at a time as it takes."""

    def original(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        import torch

        given = from_canonical(inputs, expanded.inputs[0])
        each = fixed or len(given)
        parts = []
        with torch.no_grad():
            for start in range(0, len(given), each):
                rows = np.resize(given[start : start + each], (each, *given.shape[1:]))
                found = results_of(run(torch.from_numpy(np.ascontiguousarray(rows))))
                parts.append([value[: len(given) - start].float().numpy() for value in found])
        whole = [np.concatenate(values) for values in zip(*parts, strict=True)]
        return [
            to_canonical(value, place) for value, place in zip(whole, expanded.outputs, strict=True)
        ]

    return original
