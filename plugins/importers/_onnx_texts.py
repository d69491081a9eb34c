"""What an ONNX file takes of texts: tokens, which of them are real, where and what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_reading import in_words, nodes_of, rounds_by_batch
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ROLES = (
    ("mask", r"mask"),
    ("positions", r"position|(^|_)pos(_|$)"),
    ("types", r"type|segment"),
)
"""What inputs beside the tokens are called, by what they are."""
PASSING = ("Cast", "Identity", "Reshape", "Flatten", "Unsqueeze", "Squeeze", "Where", "Clip")
"""Operators that tokens go through before their rows are looked up."""
TABLES = ("Cast", "Identity", "Mul", "Sub", "Add", "DequantizeLinear")
"""Operators that make a table of another one."""
WANTED = ("logits", "sentence_embedding", "last_hidden_state", "token_embeddings")
"""Outputs of which one is enough, the best first, as exporters call them."""


@dataclass(frozen=True)
class Texts:
    """The inputs of a file that takes texts.

    Attributes:
        names: of inputs, by role: "tokens", "mask", "types", "positions".
        dtypes: NumPy's, by role.
        vocabulary: rows that tokens are looked up in.
        batch, steps: samples and tokens that it takes; 0: any number.
        padding: the token that fills texts up.
        is_alone: whether padding or other texts would change the answer, so that each text, or
            those of each length, have to run by themselves.
    """

    names: Mapping[str, str]
    dtypes: Mapping[str, str]
    vocabulary: int
    batch: int
    steps: int
    padding: int = 0
    is_alone: bool = False

    def filled(self, padding: int) -> Texts:
        """Return the same with the token that fills texts up."""
        return replace(self, padding=padding if 0 <= padding < self.vocabulary else 0)

    def beside(self, batch: int, steps: int) -> dict[str, NDArray[Any]]:
        """Return the inputs beside the tokens, of texts without padding."""
        places = np.broadcast_to(np.arange(steps), (batch, steps))
        values = {"mask": np.ones_like(places), "types": np.zeros_like(places), "positions": places}
        return {
            self.names[role]: value.astype(self.dtypes[role])
            for role, value in values.items()
            if role in self.names
        }

    def feed(self, tokens: NDArray[Any], lengths: Sequence[int]) -> dict[str, NDArray[Any]]:
        """Return all inputs for texts of so many tokens each, padding behind them."""
        batch, steps = tokens.shape
        real = np.arange(steps) < np.asarray(lengths)[:, None]
        found = self.beside(batch, steps)
        if "mask" in self.names:
            found[self.names["mask"]] = real.astype(self.dtypes["mask"])
        given = np.where(real, tokens, self.padding)
        return {self.names["tokens"]: given.astype(self.dtypes["tokens"]), **found}


def texts_of(model: Any) -> Texts | None:
    """Return what a file takes of texts; None where it takes something else.

    Raises:
        NotCoveredError: it takes more than a document has beside its texts.
    """
    from onnx import helper

    known = {tensor.name for tensor in model.graph.initializer}
    roles: dict[str, Any] = {}
    others: list[str] = []
    for value in model.graph.input:
        if value.name in known:
            continue
        dtype = str(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
        role = _role(value, dtype)
        if not role or role in roles:
            others.append(value.name)
        else:
            roles[role] = (value.name, dtype, _sizes(value))
    vocabulary = _rows(model.graph, roles["tokens"][0]) if "tokens" in roles else 0
    if not vocabulary:
        return None
    _refuse_others(others)
    batch, steps = roles["tokens"][2]
    is_rounded = rounds_by_batch(model)
    return Texts(
        {role: name for role, (name, _, _) in roles.items()},
        {role: dtype for role, (_, dtype, _) in roles.items()},
        vocabulary,
        batch or int(is_rounded),
        steps,
        is_alone=not steps and ("mask" not in roles or is_rounded),
    )


def outputs_of_texts(model: Any) -> list[str]:
    """Return the outputs that are taken: the one that stands for a text, else all.

    What is no number with a fraction, such as an input that is given back, is none of them.
    """
    from onnx import TensorProto

    fractions = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in model.graph.output
        if value.type.tensor_type.elem_type in (*fractions, TensorProto.UNDEFINED)
    }
    best = next((name for name in WANTED if name in ranks), None)
    if best:
        return [best]
    kept = [name for name in ranks if not re.search(r"^present|past_key|hidden_states?\.", name)]
    vectors = [name for name in kept if ranks[name] == 2]
    return vectors if len(vectors) == 1 else kept or list(ranks)


def _role(value: Any, dtype: str) -> str:
    """Return what an input of whole numbers, samples by tokens, is; "" for others."""
    if len(value.type.tensor_type.shape.dim) != 2:
        return ""
    name = value.name.lower()
    role = next((role for role, pattern in ROLES if re.search(pattern, name)), "tokens")
    is_whole = dtype.startswith("int")
    return role if is_whole or (role == "mask" and dtype.startswith(("bool", "float"))) else ""


def _sizes(value: Any) -> tuple[int, int]:
    batch, steps = (max(each.dim_value, 0) for each in value.type.tensor_type.shape.dim)
    return batch, steps


def _rows(graph: Any, tokens: str) -> int:
    """Return how many rows there are of which a token looks one up; 0 where none is looked up."""
    tables = {each.name: tuple(each.dims) for each in graph.initializer}
    for node in nodes_of(graph):
        own = [name for name in node.input if len(tables.get(name, ())) == 2]
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            tables[node.output[0]] = tuple(node.attribute[0].t.dims)
        elif node.op_type in TABLES and own:  # a table that is kept in fewer bits
            tables[node.output[0]] = tables[own[0]]
    names = {tokens}
    for node in nodes_of(graph):
        if names.isdisjoint(node.input):
            continue
        if node.op_type in PASSING:
            names.update(node.output)
        if node.op_type == "Gather" and node.input[1] in names:
            shape = tables.get(node.input[0], ())
            if len(shape) == 2:
                return int(shape[0])
        if node.op_type == "EmbedLayerNormalization":
            return int(tables.get(node.input[2], (0,))[0])
    return 0


def _refuse_others(others: Sequence[str]) -> None:
    if not others:
        return
    if any(re.search(r"past|cache", name) for name in others):
        raise NotCoveredError(
            "The file takes keys and values of earlier tokens "
            f"({in_words(others)}), which a document here has not.",
            "Export it again without them: with use_cache=False, or by optimum for a task without "
            "“-with-past”.",
        )
    raise NotCoveredError(
        f"The file takes {in_words(others)} beside its texts; a document here takes texts alone.",
        "Export the part of the network that reads texts by itself.",
    )
