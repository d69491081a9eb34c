"""What a run has saved of its data, for the tabs that show its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.plugin_api.timelines import TimelineInfo

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder


class SavedInfo(msgspec.Struct, frozen=True):
    """The part of a run's DataInfo that results are named by."""

    classes: tuple[str, ...] = ()
    quantities: tuple[str, ...] = ()
    timeline: TimelineInfo | None = None


class _SavedData(msgspec.Struct, frozen=True):
    info: SavedInfo = SavedInfo()


def saved_info(folder: RunFolder) -> SavedInfo:
    """Return what a run was trained with; nothing of it when its file cannot be read."""
    try:
        return msgspec.json.decode(folder.info.read_bytes(), type=_SavedData).info
    except (OSError, msgspec.DecodeError):
        return SavedInfo()
