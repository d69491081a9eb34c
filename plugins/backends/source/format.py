"""Breaks long statements of generated code over lines, as ruff and Black would."""

from __future__ import annotations

WIDTH = 88
_OPEN, _CLOSE = "([{", ")]}"


def assignment(target: str, value: str, indent: str, comment: str = "") -> list[str]:
    """Return the lines of `target = value  # comment`; a comment with no room goes above."""
    return statement(f"{target} = ", value, indent, comment)


def statement(prefix: str, value: str, indent: str, comment: str = "") -> list[str]:
    """Return the lines of a statement; `value` is an expression on one line."""
    line = f"{indent}{prefix}{value}"
    note = f"  # {comment}" if comment else ""
    if len(line + note) <= WIDTH:
        return [line + note]
    above = [f"{indent}# {comment}"] if comment else []
    return above + _broken(indent + prefix, value, "", indent)


def _broken(prefix: str, value: str, suffix: str, indent: str) -> list[str]:
    """Return `prefix + value + suffix` over as many lines as it needs."""
    if len(prefix + value + suffix) <= WIDTH:
        return [prefix + value + suffix]
    opening = _opening(value)
    inner = f"{indent}    "
    if opening is None:
        return _operators(prefix, value, suffix, indent)
    head = value[:opening]
    if head[-1:] in tuple(_CLOSE) and len(prefix + head) >= WIDTH:  # a call of a call
        *lines, last = _broken(prefix, head, "(", indent)
        return [*lines, *_broken(last[:-1], value[opening:], suffix, indent)]
    body = value[opening + 1 : -1]
    if not body:
        return [prefix + value + suffix]
    items = _split(body, ", ")
    lines = [prefix + value[: opening + 1]]
    if len(inner + body) <= WIDTH or len(items) == 1:
        lines += _broken(inner, body, "", inner)
    else:
        for item in items:
            lines += _broken(inner, item, ",", inner)
    return [*lines, f"{indent}{value[-1]}{suffix}"]


def _operators(prefix: str, value: str, suffix: str, indent: str) -> list[str]:
    """Put an expression in parentheses, and each operand on a line of its own if it must be."""
    inner = f"{indent}    "
    lines = [inner + value]
    if len(lines[0]) > WIDTH:
        for operator in (" + ", " - ", " * ", " / "):
            first, *rest = _split(value, operator)
            if rest:
                lines = [inner + first, *(inner + operator[1:] + operand for operand in rest)]
                break
        else:
            return [prefix + value + suffix]
    return [f"{prefix}(", *lines, f"{indent}){suffix}"]


def _opening(value: str) -> int | None:
    """Return where the bracket opens that the last character closes; None for an operation."""
    if value[-1] not in _CLOSE or len(_split(value, " + ")) + len(_split(value, " * ")) > 2:
        return None
    depth = 0
    for index in range(len(value) - 1, -1, -1):
        depth += (value[index] in _CLOSE) - (value[index] in _OPEN)
        if depth == 0:
            return index
    return None


def _split(value: str, separator: str) -> list[str]:
    """Split at separators outside brackets."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(value):
        depth += (character in _OPEN) - (character in _CLOSE)
        if depth == 0 and value.startswith(separator, index):
            parts.append(value[start:index])
            start = index + len(separator)
    return [*parts, value[start:]]
