"""Programs of PyTorch in files: torch.export's .pt2, and TorchScript."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from workbench.plugin_api.backend import Availability
from workbench.plugin_api.importer import Imported, Importer, NotCoveredError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.plugin_api.importer import ImportRequest


class TorchProgramImporter(Importer):
    """Graphs of operations with their weights; Python's own code is in neither, nor is it run."""

    id = "torch_program"
    title = "PyTorch program"
    help = "A network as torch.export or TorchScript saved it: .pt2, or .pt with its code."
    suffixes = (".pt2", ".pt", ".pth", ".jit", ".ts")

    def availability(self) -> Availability:
        """PyTorch is always here."""
        return Availability(True)

    def opens(self, path: Path) -> bool:
        """Say whether an archive holds a program, not weights alone."""
        return bool(kind_of(path))

    def read(self, request: ImportRequest) -> Imported:
        """Load the program, make layers of it or one block, and give what runs the original."""
        from plugins.importers._torch_kept import kept
        from plugins.importers._torch_programs import imported

        file = request.file
        assert file is not None
        kind = kind_of(file)
        if request.form == "block":
            return kept(file, kind, "that was asked for", request.tell)
        try:
            return imported(file, kind, request.tell)
        except NotCoveredError as refusal:
            if request.form == "nodes":
                raise
            try:
                return kept(file, kind, refusal.message.rstrip("."), request.tell)
            except NotCoveredError:
                raise refusal from None


def kind_of(path: Path) -> str:
    """Return "TorchScript" or "torch.export" for an archive with a program, else nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return ""
    if any("/code/__torch__" in name for name in names):
        return "TorchScript"
    is_exported = any(
        name.endswith(("/models/model.json", "serialized_exported_program.json")) for name in names
    )
    return "torch.export" if is_exported else ""
