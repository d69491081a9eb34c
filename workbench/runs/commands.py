"""What a person tells a worker, one command a line in commands.jsonl."""

from __future__ import annotations

import msgspec


class _Command(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command"
):
    """Anything asked of a worker."""


class Pause(_Command, frozen=True, tag="pause"):
    """Finish the step, save and wait."""


class Resume(_Command, frozen=True, tag="resume"):
    """Go on after a pause."""


class Stop(_Command, frozen=True, tag="stop"):
    """Finish the step, save and end."""


class Save(_Command, frozen=True, tag="save"):
    """Save a checkpoint now."""


class SetLearningRate(_Command, frozen=True, tag="set_learning_rate"):
    """Replace the optimizer's rate; the schedule goes on scaling it."""

    learning_rate: float


class Watch(_Command, frozen=True, tag="watch"):
    """What the screen shows, and so what is probed.

    Attributes:
        sample: index of the pinned sample in the validation split (or train, if that is empty).
        layers: nodes of which every channel (64 at most) and the weights' histograms are wanted.
        thumbnails: nodes of which one small picture is wanted.
        attention: nodes of which is wanted what their heads attend to.
    """

    sample: int = 0
    layers: tuple[str, ...] = ()
    thumbnails: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()


Command = Pause | Resume | Stop | Save | SetLearningRate | Watch

_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_encoder = msgspec.json.Encoder()


def encode(command: Command) -> bytes:
    """Return one line, with its newline."""
    return _encoder.encode(command) + b"\n"


def decode(line: bytes) -> Command:
    """Return the command of one line; raises msgspec.DecodeError for anything else."""
    command: Command = _decoder.decode(line)
    return command
