"""The rules of the code base, checked on the code itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("workbench", "widgets", "plugins", "resources")
FRAMEWORKS = {"torch", "torchvision", "keras", "tensorflow", "jax", "sklearn", "matplotlib"}
QT = {"PySide6"}


def sources(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def ids(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def run_time_imports(module: ast.Module) -> set[str]:
    """Return what is imported when a module is, TYPE_CHECKING blocks and functions left out."""
    found: set[str] = set()
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def test_packages_point_one_way():
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", sources(*PACKAGES), ids=ids)
def test_no_module_imports_a_framework_when_it_is_imported(file):
    roots = {name.partition(".")[0] for name in run_time_imports(parsed(file))}
    assert not roots & FRAMEWORKS


def without_qt() -> list[Path]:
    return [
        file
        for file in sources("workbench", "plugins", "resources")
        if "views" not in file.relative_to(ROOT).parts
    ]


@pytest.mark.parametrize("file", without_qt(), ids=ids)
def test_nothing_below_the_window_imports_qt(file):
    modules = {
        name
        for node in ast.walk(parsed(file))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not {name.partition(".")[0] for name in modules} & QT


@pytest.mark.parametrize("file", sources("plugins"), ids=ids)
def test_plug_ins_import_the_plug_in_api_only(file):
    allowed = ("workbench.plugin_api", "workbench.document", "workbench.errors", "workbench.files")
    is_view = "views" in file.relative_to(ROOT).parts
    for name in run_time_imports(parsed(file)):
        if name.partition(".")[0] == "workbench" and not is_view:
            assert name.startswith(allowed), name
        if name.partition(".")[0] == "widgets":
            assert is_view


def public_definitions(module: ast.Module) -> list[ast.AST]:
    """Return public functions and classes, and public methods of public classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = []
    for node in module.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            found.append(node)
            if isinstance(node, ast.ClassDef):
                found += [
                    item
                    for item in node.body
                    if isinstance(item, ast.FunctionDef)
                    and not item.name.startswith("_")
                    and item.name.lower() == item.name  # camelCase overrides of Qt explain nothing
                    and not any("setter" in ast.unparse(d) for d in item.decorator_list)
                ]
    return found


@pytest.mark.parametrize("file", sources(*PACKAGES), ids=ids)
def test_every_module_and_public_name_says_what_it_is_for(file):
    module = parsed(file)
    assert ast.get_docstring(module), "the module's one sentence"
    silent = [node.name for node in public_definitions(module) if not ast.get_docstring(node)]
    assert not silent


def test_a_bare_import_brings_no_framework_and_no_window():
    script = (
        "import sys, workbench, workbench.catalog, workbench.session, workbench.cli\n"
        "workbench.catalog.Catalog.load()\n"
        f"print(sorted({FRAMEWORKS | QT!r} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_versions_are_pinned_and_name_no_address():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    for pin in pins:
        name, _, version = pin.partition("==")
        assert name
        assert version
        assert "/" not in pin
        assert "@" not in pin
