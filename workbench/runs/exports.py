"""What an export says while it goes on: the lines that its process prints for the window."""

from __future__ import annotations

import msgspec

from workbench.plugin_api.exporter import ExportedFile


class _Event(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event"
):
    """Anything that happens in an export."""


class Doing(_Event, frozen=True, tag="doing"):
    """What is happening now.

    Attributes:
        message: "Writing digits.onnx".
        done: formats that are finished, written or failed, out of `total`.
        format: id of the format in work; empty while the run is being opened.
    """

    message: str
    done: int
    total: int
    format: str = ""


class Written(_Event, frozen=True, tag="written"):
    """A file is in its place, and checked unless nobody wanted that."""

    file: ExportedFile


class Failed(_Event, frozen=True, tag="failed"):
    """A format could not be written; what lay in its place is as it was.

    Attributes:
        message: one sentence for a person; hint: what to do next.
    """

    format: str
    message: str
    hint: str = ""


Event = Doing | Written | Failed

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return one line, without its newline."""
    return msgspec.json.encode(event)


def decode(line: bytes) -> Event:
    """Return the event of one line; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(line)
