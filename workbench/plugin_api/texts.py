"""Text files of any common encoding: plain functions that exported scripts carry along."""

from __future__ import annotations

import codecs
import re


def read_text(path: str) -> str:
    """Read a whole text file.

    Raises:
        OSError: it cannot be read. ValueError: it holds no text, with the reason.
    """
    with open(path, "rb") as file:
        text = decoded(file.read())
    if not text.strip():
        raise ValueError("it is empty")
    return text


def decoded(content: bytes) -> str:
    """Decode UTF-8, UTF-16 (known by its mark) or, if it is neither, Windows-1252.

    Raises:
        ValueError: it is no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise ValueError("it is not a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def words(text: str) -> list[str]:
    """Part a text into words, numbers and signs of punctuation."""
    return re.findall(r"\w+(?:[-.,'’]\w+)*|[^\w\s]", text)
