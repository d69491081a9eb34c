"""What travels with a network, as small files for formats that hold files."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from plugins.exporters.safetensors import metadata

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.plugin_api.exporter import ExportRequest


def attachments(request: ExportRequest) -> dict[str, str]:
    """Return experiment.json, classes.json, fitted.json (what preprocessing learned), labels.txt.

    labels.txt has a class a line, as runtimes on phones expect it.
    """
    found = metadata(request)
    files = {f"{key}.json": found[key] for key in ("experiment", "classes", "fitted")}
    labels = (" ".join(name.split()) for name in request.info.classes)
    return {**files, "labels.txt": "".join(f"{label}\n" for label in labels)}


def append_zip(path: Path, request: ExportRequest, folder: str = "") -> None:
    """Add the attachments to a zip, or put one behind a file that is none.

    Args:
        folder: of the members, ending in "/"; empty for none.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in attachments(request).items():
            archive.writestr(folder + name, text)
