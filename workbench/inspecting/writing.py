"""How a language model is asked to write, and what comes back."""

from __future__ import annotations

import msgspec

from workbench.inspecting.network import Load, Loaded, Network
from workbench.reading import Refused


class Write(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Begin to continue a text, and write the first tokens; `GoOn` asks for the next ones.

    Attributes:
        top_k: 0 draws among all tokens.
        tokens: to write at most in all.
    """

    id: int = 0
    network: Network
    prompt: str
    tokens: int
    temperature: float
    top_k: int
    top_p: float
    seed: int


class GoOn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write some more of the text that was begun last."""

    id: int = 0


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was written.

    Attributes:
        text: what it adds; empty while a character is not complete.
        alternatives: the likeliest tokens here with their probabilities.
    """

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...]


class Wrote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Some tokens more; asking in parts lets a person stop at once.

    Attributes:
        is_done: as many as were asked for are written.
        rate: tokens a second since the beginning, without pauses.
    """

    id: int
    tokens: tuple[Token, ...]
    is_done: bool
    rate: float


WritingRequest = Load | Write | GoOn
WritingReply = Loaded | Wrote | Refused
