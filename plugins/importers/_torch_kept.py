"""Keeps programs of torch.export and TorchScript as one block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._building import asset_name, plain_name
from plugins.importers._layouts import INPUT_SIZES, UNSCALED, many, preprocessing_of
from plugins.importers._sizes import other_sizes
from plugins.importers._torch_block import Origin, block, left_out
from plugins.importers._torch_programs import is_reduced, loaded, refuse_code, results_of, shapes_of
from plugins.importers._torch_scripts import open_script
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

IN_USE = (
    "Its program is that of a network in use: dropout does nothing and statistics stay, while it "
    "is trained, too."
)


@dataclass(frozen=True)
class _Program:
    """A program that was loaded.

    Attributes:
        module: that has its weights, and is trained.
        run: what runs the program as it came.
        shape: of one sample, as it takes it; with other sizes to be tried.
        batch: samples at a time; 0: any number.
        kinds: what its modules are, by path.
        is_convolution: whether series go into a convolution, which has their channels first.
        result: which of several results is given.
        vocabulary: tokens that it knows; 0: it takes numbers.
        knows_training: whether it does something else while it is trained.
    """

    module: Any
    run: Callable[..., Any]
    shape: tuple[int, ...]
    batch: int
    kinds: dict[str, str]
    is_convolution: bool
    result: str = ""
    vocabulary: int = 0
    knows_training: bool = False


def kept(path: Path, kind: str, reason: str, tell: Callable[[str], None]) -> Imported:
    """Read a program and keep it as a block that can be trained where it has parameters.

    Args:
        reason: why it does not become layers.

    Raises:
        NotCoveredError: it takes or gives what no document here has.
        UserError: the file is damaged, or would read or write files.
    """
    tell(f"Reading {path.name}")
    program = loaded(path, _scripted if kind == "TorchScript" else _exported)
    content = path.read_bytes()
    name = plain_name(path.stem)
    asset = asset_name(name, content, path.suffix.lower())
    is_last = _has_channels_last(program)
    shape = program.shape
    origin = Origin(
        library=kind,
        architecture=name,
        input=shape if is_last else (*shape[1:], *shape[:1]),
        vocabulary=program.vocabulary,
        result=program.result,
        asset=asset,
        batch=program.batch,
        channels_last=is_last,
        kinds=program.kinds,
    )
    tell("Looking at what is inside")
    made = block(program.module, origin)
    preprocessing = None if program.vocabulary else preprocessing_of(origin.input)
    changed = [IN_USE] if made.parameters and not program.knows_training else []
    changed += other_sizes(made.graph)
    if program.batch:
        changed.append(many(program.batch))
    if preprocessing is not None:
        changed.append(UNSCALED)
    return Imported(
        name=path.stem,
        origin=f"the program in {path.name}, of {kind}",
        graph=made.graph,
        weights=made.weights,
        input_shape=origin.input,
        original=_runner(program, is_last=is_last, gives_first=made.channels_first),
        parameters=made.parameters,
        preprocessing=preprocessing,
        matched=len(made.weights),
        whole=reason,
        is_opaque=kind == "TorchScript" or bool(program.batch),
        assets={asset: content},
        vocabulary=program.vocabulary,
        skipped=tuple(left_out(made.unused)),
        changed=changed,
    )


def _has_channels_last(program: _Program) -> bool:
    """Whether samples have them last: vectors, series that no convolution reads, some pictures."""
    shape = program.shape
    if len(shape) == 2:
        return not program.is_convolution
    return len(shape) == 1 or (
        len(shape) == 3 and shape[-1] in (1, 3, 4) and shape[0] not in (1, 3, 4)
    )


def _exported(path: Path) -> _Program:
    import torch

    refuse_code(path)
    program = torch.export.load(path)
    examples = [
        node
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    ]
    values = [node.meta["val"] for node in examples]
    if len(values) != 1 or not isinstance(values[0], torch.Tensor) or values[0].dim() < 2:
        raise NotCoveredError(f"{path.name} has {len(values)} inputs; a document here takes one.")
    (value,), (entry,) = values, examples
    sizes = [size if isinstance(size, int) else 0 for size in value.shape]
    results = len(program.graph_signature.user_outputs)
    rows = _vocabulary(entry) if not value.dtype.is_floating_point else 0
    if is_reduced(program):
        raise NotCoveredError(
            f"{path.name} computes in half or double precision, which a block does not.",
            "Save the program in float32: torch.export.export(module.float(), …).",
        )
    return _Program(
        module=torch.export.unflatten(program).eval(),
        run=program.module(check_guards=False),
        shape=tuple(size or INPUT_SIZES[0] for size in sizes[1:]),
        batch=sizes[0],
        kinds=dict(_kinds(program.graph)),
        is_convolution=any("conv" in str(user.target) for user in entry.users),
        result=_first_result(program.call_spec.out_spec, results),
        vocabulary=rows,
    )


def _first_result(spec: Any, results: int) -> str:
    """Return the name or place of the first of several results; empty for one alone."""
    if spec is not None and spec.type is dict:
        return str(spec.context[0])
    return "0" if results > 1 else ""


def _vocabulary(entry: Any) -> int:
    """Return how many tokens a program looks up; raises NotCoveredError where it does not."""
    for user in entry.users:
        if "embedding" in str(user.target):
            return int(user.args[0].meta["val"].shape[0])
    raise NotCoveredError(f"Its input {entry.name} is neither numbers nor tokens.")


def _kinds(graph: Any) -> Iterator[tuple[str, str]]:
    """Yield path and class of the modules that operations were written in."""
    for node in graph.nodes:
        for path, kind in node.meta.get("nn_module_stack", {}).values():
            name = kind if isinstance(kind, str) else kind.__name__
            yield path, name.rpartition(".")[2]


def _scripted(path: Path) -> _Program:
    import torch

    script = open_script(path)
    refusal: Exception | None = None
    for shape in shapes_of(path):
        try:
            with torch.no_grad():
                found = script(torch.zeros(shape))
        except Exception as error:
            refusal = refusal or error
            continue
        return _Program(
            module=script,
            run=script,
            shape=shape[1:],
            batch=0,
            kinds={name: part.original_name for name, part in script.named_modules()},
            is_convolution=bool(script.inlined_graph.findAllNodes("aten::conv1d", True)),
            result=_which(found),
            knows_training='name="training"' in str(script.inlined_graph),
        )
    reason = str(refusal).strip().splitlines()[-1] if refusal else ""
    raise NotCoveredError(
        f"{path.name} does not take one picture, nor does it say what it takes: {reason[:160]}"
    )


def _which(found: Any) -> str:
    """Return the name or place of the first of several results; empty for one alone."""
    if isinstance(found, dict):
        return str(next(iter(found)))
    return "0" if isinstance(found, tuple | list) else ""


def _runner(
    program: _Program, *, is_last: bool, gives_first: bool
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return what runs the program itself for canonical samples."""

    def original(inputs: NDArray[Any]) -> NDArray[np.float32]:
        import torch

        given = inputs if is_last else np.moveaxis(inputs, -1, 1)
        each = program.batch or len(given)
        parts = []
        with torch.no_grad():
            for start in range(0, len(given), each):
                rows = np.resize(given[start : start + each], (each, *given.shape[1:]))
                found = program.run(torch.from_numpy(np.ascontiguousarray(rows)))
                found = results_of(found)[0]
                parts.append(found[: len(given) - start].float().numpy())
        whole = np.concatenate(parts)
        return np.moveaxis(whole, 1, -1) if gives_first else whole

    return original
