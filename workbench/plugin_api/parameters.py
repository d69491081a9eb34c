"""Annotations from which forms, validation and documentation are made."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

Size = Annotated[int, Meta(ge=1)]
"""A positive count along one axis: kernel, stride, dilation, pool."""

Amount = Annotated[int, Meta(ge=0)]
"""A count that may be nothing: padding, cropping."""

Pair = tuple[Amount, Amount]
"""Before and after, along one axis."""


def param(
    title: str,
    help: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    unit: str = "",
    advanced: bool = False,
    shown_if: tuple[str, tuple[Any, ...]] | None = None,
    path: Literal["", "folder", "file"] = "",
) -> Meta:
    """Describe a parameter: its label, its bounds, and how a form shows it.

    Args:
        title: the label, in sentence case.
        help: one sentence shown as a tool tip and in the documentation.
        minimum, maximum: inclusive bounds; above, below: exclusive ones.
        unit: shown behind the value.
        advanced: folded away at first.
        shown_if: another field and the values of it for which this one matters.
        path: the text is a path and gets a Browse button.
    """
    extra = {"unit": unit, "advanced": advanced, "shown_if": shown_if, "path": path}
    bounds = {"ge": minimum, "le": maximum, "gt": above, "lt": below}
    given: dict[str, Any] = {key: value for key, value in bounds.items() if value is not None}
    return Meta(title=title, description=help or None, extra=extra, **given)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a struct, as a form or a command line needs it."""

    name: str
    kind: Literal[
        "bool", "int", "float", "text", "path", "choice", "tuple", "struct", "variant", "other"
    ]
    title: str
    help: str = ""
    default: Any = None
    required: bool = False
    optional: bool = False
    choices: tuple[Any, ...] = ()
    variants: tuple[type, ...] = ()
    items: tuple[Field, ...] = ()
    any_length: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    unit: str = ""
    advanced: bool = False
    shown_if: tuple[str, tuple[Any, ...]] | None = None
    path: str = ""
    hidden: bool = False


def fields_of(struct: type) -> tuple[Field, ...]:
    """Return the parameters of a msgspec struct in the order they are declared."""
    hints = get_type_hints(struct, include_extras=True)
    fields = []
    for info in msgspec.structs.fields(struct):
        default = info.default
        if default is msgspec.NODEFAULT and info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory()
        required = default is msgspec.NODEFAULT
        field = _describe(info.name, hints[info.name], None if required else default)
        fields.append(msgspec.structs.replace(field, required=required))
    return tuple(fields)


def _describe(name: str, hint: Any, default: Any) -> Field:
    metas: list[Meta] = []
    while get_origin(hint) is Annotated:
        hint, *extra = get_args(hint)
        metas.extend(meta for meta in extra if isinstance(meta, Meta))
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        optional = len(members) < len(get_args(hint))
        if len(members) == 1:
            inner = _describe(name, members[0], default)
            return _merge(msgspec.structs.replace(inner, optional=optional), metas)
        if all(isinstance(member, type) for member in members):
            field = Field(name=name, kind="variant", title="", variants=tuple(members))
            return _merge(_with(field, name, default, optional), metas)
    return _merge(_with(_plain(name, hint), name, default, optional), metas)


def _plain(name: str, hint: Any) -> Field:
    origin = get_origin(hint)
    if origin is Literal:
        return Field(name=name, kind="choice", title="", choices=get_args(hint))
    if origin is tuple:
        members = get_args(hint)
        any_length = len(members) == 2 and members[1] is Ellipsis
        parts = members[:1] if any_length else members
        items = tuple(_describe(name, part, None) for part in parts)
        return Field(name=name, kind="tuple", title="", items=items, any_length=any_length)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return Field(name=name, kind="struct", title="", variants=(hint,))
    kinds = {bool: "bool", int: "int", float: "float", str: "text"}
    return Field(name=name, kind=kinds.get(hint, "other"), title="")  # type: ignore[arg-type]


def _with(field: Field, name: str, default: Any, optional: bool) -> Field:
    title = name.replace("_", " ").capitalize()
    return msgspec.structs.replace(field, title=title, default=default, optional=optional)


def _merge(field: Field, metas: list[Meta]) -> Field:
    changes: dict[str, Any] = {}
    for meta in metas:
        extra = meta.extra or {}
        found = {
            "title": meta.title,
            "help": meta.description,
            "minimum": meta.ge,
            "maximum": meta.le,
            "above": meta.gt,
            "below": meta.lt,
            **extra,
        }
        changes.update({key: value for key, value in found.items() if value not in (None, "")})
    if changes.get("path") and field.kind == "text":
        changes["kind"] = "path"
    return msgspec.structs.replace(field, **changes)
