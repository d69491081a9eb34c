"""A generated module under construction, line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugins.backends.source.plan import ends
from workbench.plugin_api.code import GeneratedCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plugins.backends.source.plan import Step
    from workbench.plugin_api.code import Layout
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.plugin_api.tensors import TensorType

Imports = tuple[tuple[str, str], ...]
"""Import lines, each with the pattern of what needs it."""


@dataclass
class Lines:
    """Source under construction, with the node that each line was written for."""

    text: list[str] = field(default_factory=list)
    nodes: dict[int, str] = field(default_factory=dict)

    def add(self, *lines: str, node: str = "") -> None:
        """Add lines at the end."""
        for line in lines:
            if node:
                self.nodes[len(self.text)] = node
            self.text.append(line)

    def finished(self, name: str, imports: Imports) -> GeneratedCode:
        """Put the imports in front, and end the file."""
        body = "\n".join(self.text)
        first = needed_imports(body, imports)
        numbered = {index + len(first) + 1: node for index, node in self.nodes.items()}
        return GeneratedCode("\n".join([*first, body, ""]), name, numbered)


def needed_imports(body: str, imports: Imports) -> list[str]:
    """Return the import lines that a body needs."""
    return [line for line, pattern in imports if re.search(pattern, body)]


def helpers_of(steps: Sequence[Step]) -> dict[str, str]:
    """Return every helper that a step brings, once."""
    found: dict[str, str] = {}
    for step in steps:
        for name, source in step.code.helpers.items():
            if found.setdefault(name, source) != source:
                raise ValueError(f"two layers bring different helpers called {name}")
    return found


def docstring(
    network: Network, boundary: Callable[[TensorType], Layout], indent: str = " " * 4
) -> list[str]:
    """Return what the network costs, takes and gives, as the lines of a docstring."""
    parameters, operations = f"{network.parameters:,}", f"{network.multiply_adds:,}"
    counts = f"{parameters} parameters and {operations} multiply-adds".replace(",", " ")
    return [
        f'{indent}"""A network of {counts} a sample.',
        "",
        *(f"{indent}Input: {_boundary(node, boundary)}" for node in network.inputs),
        *(f"{indent}Output: {_boundary(node, boundary)}" for node in ends(network)),
        f'{indent}"""',
    ]


def shape_words(tensor: TensorType, layout: Layout) -> str:
    """Return a tensor's shape as the framework has it, "(N, 32, 28, 28)"."""
    sizes = ["?" if size is None else str(size) for size in tensor.shape]
    if layout == "channels_first" and len(sizes) > 1:
        sizes = [sizes[-1], *sizes[:-1]]
    return f"({', '.join(['N', *sizes])})"


def _boundary(node: ResolvedNode, boundary: Callable[[TensorType], Layout]) -> str:
    """Return a tensor at the module's boundary, "(N, 1, 8, 8), batch × channels × …"."""
    tensor, layout = node.output, boundary(node.output)
    names = [re.sub(r"[^\w ]", "", axis) for axis in tensor.axes]
    if layout == "channels_first":
        names = [names[-1], *names[:-1]]
    return f"{shape_words(tensor, layout)}, {' × '.join(['batch', *names])}"
