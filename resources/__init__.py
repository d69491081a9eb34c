"""Files that come with the program: icons, fonts, examples and small data sets."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def path(*parts: str) -> Path:
    """Return where a resource lies, its parts given one by one: "fonts", "Inter.ttf"."""
    return _HERE.joinpath(*parts)


def examples() -> dict[str, Path]:
    """Return the example experiments by name."""
    suffix = ".workbench.json"
    files = sorted((_HERE / "examples").glob(f"*{suffix}"))
    return {file.name.removesuffix(suffix): file for file in files}
