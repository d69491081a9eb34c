"""What the next worker of a run folder shall do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from workbench.errors import UserError
from workbench.files import write_atomically

if TYPE_CHECKING:
    from workbench.runs.folder import RunFolder


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Written by whoever starts a worker, read by the worker when it begins.

    Attributes:
        resume: go on from the last checkpoint instead of beginning.
        epochs: epochs in all to train up to; None: as many as the experiment says.
        steps: optimizer steps in all after which training is done, in the middle of an epoch too;
            None: the epochs alone count.
    """

    resume: bool = False
    epochs: Annotated[int, Meta(ge=1)] | None = None
    steps: Annotated[int, Meta(ge=1)] | None = None


def read_request(folder: RunFolder) -> Request:
    """Return the request; a folder without one asks for a plain start.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return msgspec.json.decode(folder.request.read_bytes(), type=Request)
    except FileNotFoundError:
        return Request()
    except (OSError, msgspec.DecodeError) as error:
        raise UserError(
            f"{folder.request} cannot be read: {error}.", "Delete this file and resume the run."
        ) from error


def write_request(folder: RunFolder, request: Request) -> None:
    """Replace the request; raises UserError when the folder cannot be written to."""
    write_atomically(folder.request, msgspec.json.encode(request))
