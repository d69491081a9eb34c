"""What the next worker of a run folder shall do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from workbench.files import write_atomically

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asked of the next worker.

    Attributes:
        resume: go on from the newest checkpoint, if there is one; False begins anew and drops
            what an earlier attempt saved. A worker that has begun anew turns this to True, so
            that a cluster which restarts it goes on.
        epochs: epochs in all, those already done included; None: as planned before.
        commands_seen: size of commands.jsonl when this was asked; what stands before it was
            meant for an earlier worker.
    """

    resume: bool = True
    epochs: Annotated[int, Meta(ge=1)] | None = None
    commands_seen: Annotated[int, Meta(ge=0)] = 0


def write_request(folder: RunFolder, *, resume: bool, epochs: int | None = None) -> Request:
    """Write what the next worker shall do, before it is started; raises UserError."""
    seen = folder.commands.stat().st_size if folder.commands.exists() else 0
    request = Request(resume=resume, epochs=epochs, commands_seen=seen)
    write_atomically(folder.request, msgspec.json.encode(request))
    return request


def read_request(folder: RunFolder) -> Request:
    """Read what this worker shall do; a missing or unreadable request means: go on."""
    try:
        return msgspec.json.decode(folder.request.read_bytes(), type=Request)
    except (OSError, msgspec.DecodeError):
        return Request()
