"""Random networks with branches, hostile names and every layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugins.networks import Build
from workbench.plugin_api.tensors import ShapeError

if TYPE_CHECKING:
    import random

    from workbench.catalog import Catalog
    from workbench.plugin_api.network import Network

_NAMES = """
    x self F nn torch forward train training eval type to half float parameters state_dict probe
    model wanted found super print input BatchNorm Affine match case f N ﬁ fi größe
    GaussianNoise average_pool2d FittedConvTranspose2d Network conv conv_ conv1 node_conv
    a_name_that_is_rather_long_for_a_layer another_name_that_is_rather_long
"""
HOSTILE = tuple(_NAMES.split())

LAYERS = (
    ("ReLU", {}),
    ("Conv2D", {"filters": 3, "padding": "same", "kernel_size": (2, 2), "activation": "gelu"}),
    ("Conv2D", {"filters": 4, "stride": (2, 2), "padding": "same"}),
    ("ConvTranspose2D", {"filters": 2, "kernel_size": (2, 2), "stride": (3, 3)}),
    ("Conv1D", {"filters": 4, "padding": "same"}),
    ("SeparableConv2D", {"filters": 3, "padding": "same", "kernel_size": (2, 2)}),
    ("LayerNorm", {}),
    ("LayerNorm", {"scale": False}),
    ("BatchNorm", {}),
    ("GroupNorm", {"groups": 1, "center": False}),
    ("Dense", {"units": 5, "activation": "softmax"}),
    ("AveragePool2D", {"pool_size": (2, 2), "stride": (1, 1), "padding": "same"}),
    ("MaxPool2D", {"pool_size": (3, 3), "stride": (1, 1), "padding": "same"}),
    ("Flatten", {}),
    ("Permute", {"axes": (2, 1, 3)}),
    ("GlobalAveragePool", {}),
    ("Rescale", {"scale": 0.5, "offset": -0.25}),
    ("Rescale", {}),
    ("Crop2D", {"amounts": ((0, 0), (0, 0))}),
    ("Softmax", {"axis": 1}),
    ("PReLU", {}),
    ("GaussianNoise", {}),
    ("Add", {}),
    ("Multiply", {}),
    ("Average", {}),
    ("Maximum", {}),
    ("Concatenate", {}),
    ("Concatenate", {"axis": 1}),
)


def random_network(catalog: Catalog, choose: random.Random, inputs: int = 1) -> Network:
    """Return a network of up to a dozen layers; layers that do not fit are left out.

    The first Output is on any node at all; dead ends, an identity and a layer that takes the same
    node twice all occur.
    """
    names = choose.sample(HOSTILE, len(HOSTILE))
    build = Build(catalog, choose.choice(["Digits · CNN", "F", "torch", "3 layers", "", "None"]))
    for _ in range(inputs):
        build.input(names.pop(), *choose.choice([(6, 5, 4), (4, 4, 4), (7, 4), (5,), (2, 3, 2, 4)]))
    for _ in range(choose.randint(0, 12)):
        layer_type, params = choose.choice(LAYERS)
        fewest, most = catalog.layers[layer_type].inputs
        count = fewest if most == 1 else choose.randint(2, 3)
        sources = [choose.choice(list(build.nodes)[-4:]) for _ in range(count)]
        try:
            build.add(names[-1], layer_type, *sources, **params)
        except ShapeError:
            continue
        names.pop()
    for _ in range(choose.choice([1, 1, 1, 2])):
        build.add(names.pop(), "Output", choose.choice(list(build.nodes)))
    return build.network()
