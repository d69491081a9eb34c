"""Modules of PyTorch that compute what an ONNX graph does, node by node, to be traced."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugins.importers._onnx_step import Step


def part_of(function: Callable[..., Any], step: Step, arguments: Sequence[Any]) -> Any:
    """Return a module that computes one node."""
    from torch import nn

    class Operation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plan: list[tuple[str, Any]] = []
            names: Counter[str] = Counter()
            for kind, value in arguments:
                sort, _, name = kind.partition(" ")
                if sort in ("parameter", "buffer"):
                    names[name] += 1
                    name = name if names[name] == 1 else f"{name}_{names[name]}"
                    if sort == "parameter":
                        self.register_parameter(name, value)
                    else:
                        self.register_buffer(name, value)
                    self.plan.append(("own", name))
                else:
                    self.plan.append((sort, value))

        def forward(self, *values: Any) -> Any:
            left = iter(values)
            is_meta = bool(values) and values[0].is_meta
            given = []
            for sort, value in self.plan:
                if sort == "own":
                    tensor = getattr(self, value)
                    given.append(tensor.to("meta") if is_meta else tensor)
                else:
                    given.append(next(left) if sort == "value" else value)
            return function(step, *given)

    return Operation()


def network_of(
    parts: Mapping[str, Any],
    steps: Sequence[tuple[str, list[str], list[str]]],
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> Any:
    """Return a module that does all steps in turn."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for label, part in parts.items():
                self.add_module(label, part)

        def forward(self, *given: Any) -> Any:
            values = dict(zip(inputs, given, strict=True))
            for label, sources, names in steps:
                found = [values[name] for name in sources]
                if not label:
                    (values[names[0]],) = found
                    continue
                results = getattr(self, label)(*found)
                results = results if isinstance(results, tuple | list) else [results]
                values.update(zip(names, results, strict=False))
            return tuple(values[name] for name in outputs)

    return Network()
