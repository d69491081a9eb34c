"""Keras code of low-rank adapters (LoRA): kernels are computed anew from their factors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.plugin_api.adapters import A, B
from workbench.plugin_api.code import Bind

if TYPE_CHECKING:
    from workbench.plugin_api.code import Code
    from workbench.plugin_api.network import ResolvedNode

_KERNEL = '''\
class LoRA:
    """A kernel with a low-rank change: W + alpha / rank * A · B (Hu et al., 2021)."""

    @property
    def kernel(self):
        change = ops.tensordot(self.lora_a, self.lora_b, 1)
        return self._kernel + self.lora_scale * change


class LoRADense(LoRA, layers.Dense):
    pass


class LoRAEinsumDense(LoRA, layers.EinsumDense):
    pass
'''

_ADD = '''\
def add_lora(layer, names, rank, alpha):
    """Let low-rank changes of some kernels of a built layer be trained, and no more.

    `names` lead to Dense and EinsumDense layers in it; "" is the layer itself. Keras' own
    `enable_lora` would give each head of attention an A for itself.
    """
    for weight in layer.weights:
        weight.trainable = False
    for name in names:
        dense = operator.attrgetter(name)(layer) if name else layer
        shape, inputs, kind = dense._kernel.shape, 1, LoRADense
        if isinstance(dense, layers.EinsumDense):
            _, axes, outputs = dense.equation.replace("->", ",").split(",")
            inputs, kind = len(set(axes) - set(outputs)), LoRAEinsumDense
        dense._tracker.unlock()
        dense.lora_scale = alpha / rank
        start = keras.initializers.VarianceScaling()
        dense.lora_a = dense.add_weight((*shape[:inputs], rank), start, name="lora_a")
        dense.lora_b = dense.add_weight((rank, *shape[inputs:]), "zeros", name="lora_b")
        dense._tracker.lock()
        dense.__class__ = kind
'''
HELPERS = {"LoRA": _KERNEL, "add_lora": _ADD}


def with_adapters(node: ResolvedNode, code: Code) -> Code:
    """Return a node's code with places for its factors, which `adapting` makes."""
    if not node.adapters:
        return code
    binds = dict(code.binds)
    for name in node.adapters:
        path, dot, last = code.binds[name].attribute.rpartition(".")
        binds[name] = replace(code.binds[name], attribute=f"{path}{dot}_{last}")
        binds[A.format(name)] = Bind(f"{path}{dot}lora_a")
        binds[B.format(name)] = Bind(f"{path}{dot}lora_b")
    return replace(code, binds=binds, helpers={**code.helpers, **HELPERS})


def adapting(node: ResolvedNode, code: Code, layer: str) -> str:
    """Return the statement that adapts a layer of a finished `model`.

    Args:
        code: of the node, with its adapters.
        layer: its name in the model.
    """
    assert node.lora is not None
    paths = (code.binds[A.format(name)].attribute.rpartition(".")[0] for name in node.adapters)
    names = ", ".join(f'"{path}"' for path in paths)
    settings = f"rank={node.lora.rank}, alpha={node.lora.alpha!r}"
    return f'add_lora(model.get_layer("{layer}"), [{names}], {settings})'
