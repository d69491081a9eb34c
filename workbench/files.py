"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write beside and rename into place; on any failure the old file stays as it was.

    Args:
        durable: wait until the content is on the disk.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with partial.open("xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise unwritable(path, error) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError) -> UserError:
    """Say in words why a file could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"The disk is full; {path.name} was not written.",
            "Free some space, or choose another folder, and try again.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(
            f"{path.parent} cannot be written to.", "Choose another folder, or change its rights."
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return UserError(f"{path.parent} does not exist.", "Choose another folder.")
    return UserError(f"{path} could not be written: {error.strerror or error}.")
