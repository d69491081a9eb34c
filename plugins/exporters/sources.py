"""Joins pieces of Python source into one readable script."""

from __future__ import annotations

import ast
import sys


def join_sources(docstring: str, *pieces: str, before: str = "") -> str:
    """Return one module: the docstring, every piece's imports once and sorted, then the bodies.

    Docstrings and `from __future__` imports of the pieces are dropped; the module gets its own.

    Args:
        before: statements between the imports of the standard library and the others.
    """
    imports: set[str] = set()
    bodies = []
    for piece in pieces:
        found, body = _split(piece)
        imports |= found
        bodies.append(body)
    own, other = [], []
    for line in sorted(imports, key=_as_isort):
        package = line.split()[1].split(".")[0]
        (own if package in sys.stdlib_module_names else other).append(line)
    groups = [f'"""{docstring}\n"""', "from __future__ import annotations"]
    groups += [group for group in ("\n".join(own), before, "\n".join(other)) if group]
    return "\n\n".join(groups) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"


def _as_isort(line: str) -> tuple[bool, str, str]:
    return not line.startswith("import "), line.split()[1].lower(), line


def _split(piece: str) -> tuple[set[str], str]:
    tree = ast.parse(piece)
    lines = piece.splitlines()
    imports: set[str] = set()
    for node in tree.body:
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if not is_import and not (node is tree.body[0] and _is_text(node)):
            continue
        if is_import and getattr(node, "module", "") != "__future__":
            imports.add(ast.unparse(node))
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    return imports, "\n".join(lines).strip()


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
