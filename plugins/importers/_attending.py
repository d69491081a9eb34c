"""Finds multi-head attention in an exported graph, however its heads were put together.

Attention is a softmax between two products. Whether queries, keys and values are rows of linear
layers, and which row belongs to which head, is told by sending the places of the linear layers'
outputs through the operations in between: any order of views and permutations is understood.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from plugins.importers._graphs import operation_of, sweep

MOVES = (
    *("view", "reshape", "_unsafe_view", "permute", "transpose", "slice", "select", "split"),
    *("chunk", "squeeze", "unsqueeze", "clone", "contiguous", "flatten", "unflatten", "expand"),
    *("alias", "unbind", "narrow", "split_with_sizes", "detach", "movedim"),
)
SILENT = ("dropout", "alias", "clone", "contiguous", "detach", "expand", "view", "_to_copy")


def multi_head_attention(**_: Any) -> None:
    """Stand for an attention in a graph; the walk over it knows its arguments."""


@dataclass(frozen=True)
class _Projection:
    """Queries, keys or values: rows of a linear layer.

    Attributes:
        rows: which output of it each feature of each head is.
        factor: what they are multiplied by.
    """

    linear: Any
    rows: list[list[int]]
    factor: float


def attentions(program: Any, batch: int) -> None:
    """Put attentions together in place; what does not fit stays as it is."""
    graph = program.graph
    _keep_masks(program)
    for node in list(graph.nodes):
        if node.op != "call_function" or not node.users:
            continue
        name = operation_of(node)
        if name == "softmax":
            _written_out(graph, node, batch)
        elif name == "scaled_dot_product_attention":
            _whole(graph, node, batch)
    sweep(graph)


def _keep_masks(program: Any) -> None:
    """Note the numbers of weights, which tell whether a mask hides later steps."""
    places = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    for spec in program.graph_signature.input_specs:
        found = program.state_dict.get(spec.target)
        found = program.constants.get(spec.target) if found is None else found
        if spec.arg.name in places and found is not None:
            places[spec.arg.name].meta["known"] = found


def _written_out(graph: Any, softmax: Any, batch: int) -> None:
    rank = softmax.meta["val"].dim()
    if softmax.args[1] % rank != rank - 1 or rank not in (3, 4):
        return
    scores, factor, causal = softmax.args[0], 1.0, False
    while operation_of(scores) in ("mul", "div", "add"):
        first, second = scores.args[:2]
        if isinstance(second, int | float) and operation_of(scores) != "add":
            factor = factor * second if operation_of(scores) == "mul" else factor / second
        elif operation_of(scores) == "add" and not causal and _is_causal(graph, second):
            causal = True
        else:
            return
        scores = first
    product = _only_user(softmax)
    if not _is_product(scores) or product is None or not _is_product(product):
        return
    if _origin(product.args[0]) is not softmax:
        return
    keys = scores.args[1]
    _join(graph, (scores.args[0], keys, product.args[1]), product, (factor, causal, True), batch)


def _whole(graph: Any, node: Any, batch: int) -> None:
    query, key, value, *rest = [*node.args, None, 0.0, False]
    options = {"attn_mask": rest[0], "is_causal": rest[2] if len(rest) > 2 else False}
    options |= node.kwargs
    if options.get("attn_mask") is not None or options.get("enable_gqa"):
        return
    size = node.meta["val"].shape[-1]
    scale = options.get("scale") or size**-0.5
    _join(graph, (query, key, value), node, (scale, bool(options["is_causal"]), False), batch)


def _join(
    graph: Any,
    sources: tuple[Any, Any, Any],
    product: Any,
    how: tuple[float, bool, bool],
    batch: int,
) -> None:
    """Replace everything from the linear layers to the one after the product, if it fits."""
    factor, causal, is_turned = how
    heads = _heads(product, batch)
    found = []
    for place, source in enumerate(sources):
        projection = _projection(source, batch, heads, is_turned=is_turned and place == 1)
        if projection is None:
            return
        found.append(projection)
    query, key, value = found
    if key.linear.args[0] is not value.linear.args[0]:
        return
    ends = _end(product, batch, heads)
    if ends is None:
        return
    linear, end, columns = ends
    size = len(query.rows[0])
    scale = factor * query.factor * key.factor * size**0.5
    arguments = {
        "x": query.linear.args[0],
        "context": key.linear.args[0],
        "causal": causal,
        "scale": 1.0 if abs(scale - 1) < 1e-5 else scale,
        "value_scale": value.factor,
        "rows": [query.rows, key.rows, value.rows],
        "columns": columns,
    }
    for name, each in (("query", query.linear), ("key", key.linear), ("value", value.linear)):
        arguments |= {f"{name}_weight": each.args[1], f"{name}_bias": _bias(each)}
    arguments |= {"output_weight": linear.args[1], "output_bias": _bias(linear)}
    with graph.inserting_before(end):
        new = graph.call_function(multi_head_attention, (), arguments)
    new.meta = dict(end.meta)
    end.replace_all_uses_with(new)


def _bias(linear: Any) -> Any:
    return linear.args[2] if len(linear.args) > 2 else linear.kwargs.get("bias")


def _heads(product: Any, batch: int) -> int:
    shape = product.meta["val"].shape
    return int(shape[1]) if len(shape) == 4 else int(shape[0]) // batch


def _projection(source: Any, batch: int, heads: int, *, is_turned: bool) -> _Projection | None:
    """Return which linear layer a product's operand comes from, and how."""
    import torch

    factor, node = 1.0, source
    while (name := operation_of(node)) != "linear":
        if name in ("mul", "div") and isinstance(node.args[1], int | float):
            factor = factor * node.args[1] if name == "mul" else factor / node.args[1]
        elif name not in MOVES and node.target is not operator.getitem:
            return None
        node = node.args[0]
        if not hasattr(node, "op") or node.op != "call_function":
            return None
    made = node.meta["val"]
    if made.dim() != 3 or batch not in made.shape[:2]:
        return None
    places = torch.arange(made.numel()).reshape(made.shape)
    base = places if made.shape[0] == batch else places.transpose(0, 1)
    moved = _sent(source, node, places)
    moved = moved.reshape(batch, heads, *moved.shape[-2:])
    moved = moved.transpose(-1, -2) if is_turned else moved
    rows = moved[0, :, 0] - base[0, 0, 0]
    if moved.shape[2] != base.shape[1] or int(rows.max()) >= made.shape[-1] or rows.min() < 0:
        return None
    if not torch.equal(
        moved, base[:, :, rows.reshape(-1)].reshape(batch, base.shape[1], heads, -1).transpose(1, 2)
    ):
        return None
    return _Projection(node, rows.tolist(), factor)


def _end(product: Any, batch: int, heads: int) -> tuple[Any, Any, list[list[int]]] | None:
    """Return the linear layer after a product, what gives its result, and which column is what."""
    import torch

    node = product
    while (after := _only_user(node)) is not None and operation_of(after) in MOVES:
        node = after
    if after is None or operation_of(after) != "linear" or after.args[0] is not node:
        return None
    made = product.meta["val"]
    size, steps = made.shape[-1], made.shape[-2]
    places = torch.arange(made.numel()).reshape(made.shape)
    base = places.reshape(batch, heads, steps, size)
    moved = _sent(node, product, places)
    end = after
    if moved.dim() == 2:
        end = _only_user(after)
        if end is None or operation_of(end) not in ("view", "reshape"):
            return None
        shape = end.meta["val"].shape
        if len(shape) != 3:
            return None
        moved = moved.reshape(*shape[:2], -1)
    if moved.dim() != 3 or tuple(end.meta["val"].shape[:2]) != tuple(moved.shape[:2]):
        return None
    is_first = moved.shape[0] == batch
    if not is_first:  # time first: the order of the result is that of the document all the same
        moved = moved.transpose(0, 1)
        if moved.shape[0] != batch:
            return None
    columns = torch.zeros(heads, size, dtype=torch.long)
    first = moved[0, 0]
    if first.numel() != heads * size:
        return None
    for column, place in enumerate(first.tolist()):
        head, rest = divmod(place, steps * size)
        columns[head, rest % size] = column
    found = moved[:, :, columns.reshape(-1)].reshape(batch, steps, heads, size)
    if not torch.equal(found, base.transpose(1, 2)):
        return None
    return after, end, columns.tolist()


def _sent(node: Any, source: Any, places: Any) -> Any:
    """Send places through the operations from `source` to `node`; factors do not move them."""
    if node is source:
        return places
    given = _sent(node.args[0], source, places)
    if operation_of(node) in ("mul", "div"):
        return given
    return node.target(given, *node.args[1:], **node.kwargs)


def _only_user(node: Any) -> Any:
    """Return the only user of a value, behind those that leave it as it is; None for several."""
    users = list(node.users)
    if len(users) != 1:
        return None
    (user,) = users
    is_silent = operation_of(user) in SILENT and (
        user.meta["val"].shape == node.meta["val"].shape and user.args[0] is node
    )
    return _only_user(user) if is_silent else user


def _origin(node: Any) -> Any:
    """Return what a value was before operations that leave it as it is."""
    while operation_of(node) in SILENT and (
        node.meta["val"].shape == node.args[0].meta["val"].shape
    ):
        node = node.args[0]
    return node


def _is_product(node: Any) -> bool:
    return getattr(node, "op", "") == "call_function" and operation_of(node) in (
        "matmul",
        "bmm",
    )


def _is_causal(graph: Any, mask: Any) -> bool:
    """Say whether a weight hides later steps and nothing else."""
    import torch

    tensor = mask.meta.get("known") if hasattr(mask, "meta") else None
    if tensor is None or tensor.dim() < 2:
        return False
    rows = tensor.reshape(-1, *tensor.shape[-2:])
    later = torch.ones(rows.shape[-2:], dtype=torch.bool).triu(1)
    return bool((rows[:, later] < -1e4).all() and (rows[:, ~later] == 0).all())
