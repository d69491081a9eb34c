"""Names in generated PyTorch code."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from plugins.backends.source.names import KEYWORDS, title_name, unique

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
LOCALS = frozenset(("self", "x", "model", "wanted", "found", "given", *dir(builtins)))


def attributes(ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each node's attribute in an nn.Module: its id, unless that is taken."""
    return unique(ids, MODULE_ATTRIBUTES | KEYWORDS)


def variables(ids: Iterable[str], helpers: Iterable[str]) -> dict[str, str]:
    """Return a local variable for each node's output."""
    return unique(ids, GLOBALS | LOCALS | KEYWORDS | frozenset(helpers))


def class_name(title: str, taken: Iterable[str]) -> str:
    """Return a class name made of the letters and digits of a title: "DigitsCnn"."""
    return title_name(title, GLOBALS | frozenset(taken))
