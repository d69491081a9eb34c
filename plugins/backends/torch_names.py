"""Names in generated code: safe for any node id, and the same every time."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PUBLIC = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
    set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
"""
MODULE_ATTRIBUTES = frozenset(_PUBLIC.split())
"""Public names of torch.nn.Module, which is not imported here; a test compares them."""

GLOBALS = frozenset(("torch", "nn", "F"))
LOCALS = frozenset(("self", "x", "model", "wanted", "found", *dir(builtins)))
_KEYWORDS = frozenset((*keyword.kwlist, *keyword.softkwlist))


def attributes(ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each node's attribute in an nn.Module: its id, unless that is taken."""
    return _unique(ids, MODULE_ATTRIBUTES | _KEYWORDS)


def variables(ids: Iterable[str], helpers: Iterable[str]) -> dict[str, str]:
    """Return a local variable for each node's output."""
    return _unique(ids, GLOBALS | LOCALS | _KEYWORDS | frozenset(helpers))


def class_name(title: str, taken: Iterable[str]) -> str:
    """Return a class name made of the letters and digits of a title: "DigitsCnn"."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    name = "".join(word[0].upper() + word[1:] for word in words)[:60]
    if not name or name[0].isdigit():
        name = f"Network{name}"
    reserved = GLOBALS | _KEYWORDS | frozenset(dir(builtins)) | frozenset(taken)
    return f"{name}Network" if name in reserved else name


def _unique(ids: Iterable[str], reserved: frozenset[str]) -> dict[str, str]:
    """Give each id a name of its own, as Python sees it: identifiers are equal under NFKC."""
    ids = tuple(ids)
    taken = set(reserved) | {unicodedata.normalize("NFKC", node_id) for node_id in ids}
    names: dict[str, str] = {}
    used: set[str] = set()
    for node_id in ids:
        if not node_id.isidentifier():
            raise ValueError(f"{node_id!r} cannot name a node")
        name = unicodedata.normalize("NFKC", node_id)
        if name.startswith("_"):
            name = f"node{name}"
        clash = name in reserved or name in used
        while clash:
            name += "_"
            clash = name in taken or name in used
        used.add(name)
        names[node_id] = name
    return names
