"""Keeps a PyTorch network as one block: what it is made of is found by running it once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.importers._building import GraphBuilder, identifier
from plugins.importers._torch_sizes import growth_in
from workbench.errors import first_line
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.layer import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.importers._sizes import Growth
    from workbench.document.graph import Graph

SAMPLES, STEPS = 2, 13
"""Of the batch that a network is looked at with."""


LAST = ("Linear", "LayerNorm", "LSTM", "GRU", "RNN", "MultiheadAttention", "Embedding")
"""Modules that have the features last whatever comes in."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How the network is built again.

    Attributes:
        library, architecture, options: as `Pretrained` has them.
        input: canonical shape of a sample; None where it varies.
        vocabulary: number of tokens it knows; 0 for pictures.
        padding: number of the token that fills up.
        most_steps: positions it knows; 0 where that is not limited.
        result: which of its results is given; empty where it has one.
        asset: the file that holds its program.
        batch: samples that the program takes at a time; 0: any number.
        channels_last: whether it takes them so.
        kinds: what its modules are, by path, where their own classes do not tell.
    """

    library: str
    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)
    input: tuple[int | None, ...]
    vocabulary: int = 0
    padding: int = 0
    most_steps: int = 0
    result: str = ""
    asset: str = ""
    batch: int = 0
    channels_last: bool = False
    kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def follows_sizes(self) -> bool:
        """Whether it is tried with pictures of other sizes, as a program may be of any."""
        return self.library == "torch.export" and len(self.input) == 3 and not self.batch

    @property
    def samples(self) -> int:
        """How many it is looked at with."""
        return self.batch or SAMPLES


@dataclass(frozen=True)
class Block:
    """A network of an Input, the block, its head if it has one, and an Output.

    Attributes:
        parameters: numbers that training can change, of those that play a part in the outputs.
        unused: names of those that do not.
        classes: number of outputs of the head; 0 where there is none.
        channels_first: whether the network's outputs have them first.
    """

    graph: Graph
    weights: Mapping[str, NDArray[np.float32]]
    parameters: int
    unused: Sequence[str]
    classes: int
    channels_first: bool


def block(module: Any, origin: Origin) -> Block:
    """Return a network in evaluation mode as a block; a linear layer at its end follows it.

    Raises:
        NotCoveredError: it does not give one tensor, or cannot be run.
    """
    seen = _looked_at(module, origin)
    unused = {name for name, used in seen.used.items() if not used}
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    head = seen.head
    own = {
        name: (value, name in parameters)
        for name, value in module.state_dict().items()
        if value.is_floating_point() and name not in unused and not _is_of(name, head)
    }
    tied = _tied(module)
    stored = [
        [name, list(value.shape), is_trained]
        for name, (value, is_trained) in own.items()
        if name not in tied
    ]
    parts = [part for part in seen.parts if not _is_of(part.path, head)]
    sizes: tuple[int, ...] = ()
    if origin.follows_sizes and (growth := _growth(module, origin, parts, head)) is not None:
        parts = [_growing(part, growth) for part in parts]
        sizes = (growth.step, *growth.least)
    params = {
        **_params(origin, head),
        **({"sizes": sizes} if sizes else {}),
        "parts": [msgspec.to_builtins(part) for part in parts],
        "stored": stored,
    }
    builder = GraphBuilder()
    last = builder.add("Input", "input")
    name = identifier(origin.architecture).lower()
    weights = {each[0]: own[each[0]][0].detach().float().cpu().numpy() for each in stored}
    last = builder.add("Pretrained", name, (last,), params, weights)
    classes = 0
    if head:
        linear = module.get_submodule(head)
        classes = linear.weight.shape[0]
        last = _dense(builder, linear, head.rpartition(".")[2], last)
    builder.add("Output", "output", (last,))
    counted = {name for name in parameters if name not in unused and name not in tied}
    return Block(
        builder.graph(),
        builder.weights,
        sum(parameters[name].numel() for name in counted),
        sorted(unused),
        classes,
        not head and seen.parts[0].channels_first,
    )


def left_out(unused: Sequence[str]) -> Iterator[str]:
    """Yield what the report says of weights that play no part."""
    if unused:
        many = "s" if len(unused) > 1 else ""
        yield f"{len(unused)} weight{many} without a part in the outputs, such as {unused[0]}"


@dataclass
class _Seen:
    """What running a network shows: its parts in order, its head, and which weights matter."""

    parts: list[Part]
    head: str
    used: dict[str, bool]


def _looked_at(module: Any, origin: Origin) -> _Seen:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    calls: dict[str, list[Any]] = {}
    given: dict[str, Any] = {}
    kinds = {path: type(part).__name__ for path, part in module.named_modules()} | origin.kinds
    is_opaque = isinstance(module, torch.jit.ScriptModule) or bool(origin.batch)
    hooks = []
    for path, part in () if is_opaque else module.named_modules():
        hooks.append(part.register_forward_pre_hook(_entering(calls, given, path)))
        hooks.append(part.register_forward_hook(_leaving(calls, path)))
    try:
        with FlopCounterMode(display=False) as counter, torch.enable_grad():
            answer = _run(module, origin)
    except NotCoveredError:
        raise
    except Exception as error:  # whatever the network's own code raises
        raise NotCoveredError(
            f"{origin.architecture} cannot be run on samples of "
            f"{' × '.join(str(size or 'any') for size in origin.input)}: "
            f"{first_line(error)}."
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    if not isinstance(answer, torch.Tensor) or answer.dim() < 2:
        raise NotCoveredError(f"{origin.architecture} does not give one tensor.")
    if is_opaque:  # nothing tells what its modules give
        calls = {path: [] for path in kinds}
    head = _head(module, calls, answer, origin.kinds)
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    gradients: Sequence[Any] = [None] * len(parameters)
    if answer.requires_grad:
        gradients = torch.autograd.grad(
            answer.float().square().sum(), list(parameters.values()), allow_unused=True
        )
    used = dict(zip(parameters, (each is not None for each in gradients), strict=True))
    ends = given[head] if head else answer  # of the network itself and the parts at its end
    calls |= {path: [ends] for path, outputs in calls.items() if _is(outputs, answer)}
    calls[""] = [ends]
    times = origin.samples * (STEPS if origin.input[0] is None else 1)
    counts = _own_operations(counter.get_flop_counts(), type(module).__name__, times)
    parts = [
        _part(path, kinds[path], outputs, counts.get(path, 0), origin)
        for path, outputs in calls.items()
    ]
    return _Seen(parts, head, used)


def _growth(module: Any, origin: Origin, parts: Sequence[Part], head: str) -> Growth | None:
    """Return how the parts follow the size of pictures, if the network does."""
    height, width, channels = origin.input
    if height is None or width is None:
        return None

    def run(size: tuple[int, int]) -> Any:
        return _run(module, replace(origin, input=(*size, channels)))

    return growth_in(module, parts, head, (height, width), run)


def _growing(part: Part, growth: Growth) -> Part:
    return msgspec.structs.replace(part, grows=growth.rules.get(part.path, ()))


def _run(module: Any, origin: Origin) -> Any:
    """Return what the network gives for random samples."""
    import torch

    random = np.random.default_rng(0)
    if origin.vocabulary:
        steps = origin.input[0] or min(STEPS, origin.most_steps or STEPS)
        tokens = torch.from_numpy(random.integers(origin.vocabulary, size=(origin.samples, steps)))
        mask = {} if origin.asset else {"attention_mask": torch.ones_like(tokens)}
        found = module(tokens, **mask)
    else:
        shape = origin.input
        if not origin.channels_last and len(shape) > 1:
            shape = (*shape[-1:], *shape[:-1])
        given = random.normal(size=(origin.samples, *shape)).astype(np.float32)
        found = module(torch.from_numpy(given))
    result = int(origin.result) if origin.result.isdigit() else origin.result
    return found if result == "" else found[result]


def _entering(calls: dict[str, list[Any]], given: dict[str, Any], path: str) -> Any:
    def hook(part: Any, inputs: Any) -> None:
        calls.setdefault(path, [])
        given[path] = inputs[0] if inputs else None

    return hook


def _leaving(calls: dict[str, list[Any]], path: str) -> Any:
    def hook(part: Any, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        calls[path].append(first)

    return hook


def _is(outputs: Sequence[Any], answer: Any) -> bool:
    return len(outputs) == 1 and outputs[0] is answer


def _head(
    module: Any, calls: Mapping[str, Sequence[Any]], answer: Any, named: Mapping[str, str]
) -> str:
    """Return the path of the linear layer whose output is that of the network, if one's is.

    Args:
        named: `Origin.kinds`.
    """
    import torch

    for path, outputs in reversed(calls.items()):
        own = None if isinstance(module, torch.jit.ScriptModule) else module.get_submodule(path)
        is_linear = type(own) is torch.nn.Linear or named.get(path) == "Linear"
        if is_linear and _is(outputs, answer):
            return path
    return ""


def _own_operations(
    counts: Mapping[str, Mapping[Any, int]], root: str, times: int
) -> dict[str, int]:
    """Return multiply-adds by path, without those of the parts inside, of one of `times`."""
    total = {
        name.removeprefix(root).removeprefix("."): sum(kinds.values())
        for name, kinds in counts.items()
        if name == root or name.startswith(f"{root}.")
    }
    own = dict(total)
    for path in total:
        if path:
            parent = path.rpartition(".")[0]
            while parent and parent not in total:
                parent = parent.rpartition(".")[0]
            own[parent] = own.get(parent, 0) - total[path]
    return {path: max(count, 0) // (2 * times) for path, count in own.items()}


def _part(path: str, kind: str, outputs: Sequence[Any], count: int, origin: Origin) -> Part:
    import torch

    shape: tuple[int | None, ...] | None = None
    channels_first = False
    if len(outputs) == 1 and isinstance(outputs[0], torch.Tensor):
        found = tuple(outputs[0].shape)
        if len(found) >= 2 and found[0] == origin.samples and outputs[0].is_floating_point():
            shape, channels_first = _canonical(found[1:], origin, kind)
    return Part(path, kind, shape, count, channels_first)


def _canonical(
    shape: tuple[int, ...], origin: Origin, kind: str
) -> tuple[tuple[int | None, ...] | None, bool]:
    """Return the shape with channels last, and whether PyTorch has them first."""
    if origin.vocabulary:
        steps = origin.input[0] or min(STEPS, origin.most_steps or STEPS)
        varies = origin.input[0] is None and shape[0] == steps
        return ((None, *shape[1:]) if varies else shape), False
    if len(shape) == 2 == len(origin.input) and not origin.channels_last:
        is_last = kind in LAST or shape[0] == origin.input[0] != shape[1]
        return (shape, False) if is_last else (shape[::-1], True)
    if len(shape) != 3 or len(origin.input) != 3:
        return (shape if len(shape) < 3 else None), False
    height, width, _ = origin.input
    is_square = height == width
    # Places have equal sides as pictures do; where all three are alike, libraries' way decides.
    if shape[1] == shape[2] or not is_square:
        return (*shape[1:], shape[0]), True
    return shape, False


def _is_of(path: str, head: str) -> bool:
    return bool(head) and (path == head or path.startswith(f"{head}."))


def _tied(module: Any) -> set[str]:
    """Return other names of parameters that have one already."""
    first = {id(value): name for name, value in module.named_parameters()}
    return {
        name
        for name, value in module.named_parameters(remove_duplicate=False)
        if first[id(value)] != name
    }


def _params(origin: Origin, head: str) -> dict[str, Any]:
    given = {
        "library": origin.library,
        "architecture": origin.architecture,
        "options": dict(origin.options),
        "input": list(origin.input),
        "vocabulary": origin.vocabulary,
        "padding": origin.padding,
        "most_steps": origin.most_steps,
        "result": origin.result,
        "without": head,
        "asset": origin.asset,
        "batch": origin.batch,
        "channels_last": origin.channels_last,
    }
    return {key: value for key, value in given.items() if value not in (0, "", {})}


def _dense(builder: GraphBuilder, linear: Any, name: str, source: str) -> str:
    weights = {"kernel": linear.weight.detach().float().cpu().numpy().T}
    params: dict[str, Any] = {"units": linear.weight.shape[0]}
    if getattr(linear, "bias", None) is None:
        params["use_bias"] = False
    else:
        weights["bias"] = linear.bias.detach().float().cpu().numpy()
    return builder.add("Dense", name, (source,), params, weights)
