"""What each layer and operation of Keras is in the catalogue, whose conventions are Keras' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.importers._keras_pictures import PICTURES, VALUES
from plugins.importers._keras_sequences import SEQUENCES
from plugins.importers._keras_shaping import edges, global_pool, permute, pool, reshape, upsampling
from plugins.importers._keras_values import (
    activation,
    arithmetic,
    concatenate,
    dropout,
    dropout_of_branches,
    function,
    merge,
    named,
    noise,
    plain,
    relu,
    rescaling,
    scaled_sum,
    softmax,
)
from plugins.importers._keras_weighted import (
    batch_norm,
    convolution,
    dense,
    fixed_normalisation,
    layer_scale,
    normalisation,
    prelu,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.importers._keras_graph import KerasWalk, Step

    Handler = Callable[[KerasWalk, Step], str]

_RANKS = ("1D", "2D", "3D")
LAYERS: Mapping[str, Handler] = {
    **{f"Conv{rank}": convolution for rank in _RANKS},
    **{
        f"{kind}{rank}": convolution
        for kind in ("DepthwiseConv", "SeparableConv")
        for rank in _RANKS[:2]
    },
    "Dense": dense,
    "BatchNormalization": batch_norm,
    "LayerNormalization": normalisation,
    "GroupNormalization": normalisation,
    "Normalization": fixed_normalisation,
    "Rescaling": rescaling,
    **{f"{kind}Pooling{rank}": pool for kind in ("Max", "Average") for rank in _RANKS},
    **{f"Global{kind}Pooling{rank}": global_pool for kind in ("Max", "Average") for rank in _RANKS},
    **{f"{kind}{rank}": edges for kind in ("ZeroPadding", "Cropping") for rank in _RANKS},
    "UpSampling2D": upsampling,
    "ReLU": relu,
    "LeakyReLU": named("LeakyReLU", ("slope", "negative_slope")),
    "ELU": named("ELU", ("alpha", "alpha")),
    "PReLU": prelu,
    "Activation": activation,
    "Softmax": softmax,
    "Dropout": dropout,
    **{f"SpatialDropout{rank}": dropout for rank in _RANKS},
    "GaussianNoise": noise,
    "ActivityRegularization": plain,
    "Flatten": lambda walk, step: walk.node(step, "Flatten"),
    "Reshape": reshape,
    "Permute": permute,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), merge),
    "Concatenate": concatenate,
    "LayerScale": layer_scale,
    "CustomScaleLayer": scaled_sum,
    "StochasticDepth": dropout_of_branches,
    **SEQUENCES,
    **PICTURES,
}
OPERATIONS: Mapping[str, Handler] = {
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Divide", "TrueDivide"), arithmetic),
    "Relu": function("relu"),
    "Relu6": function("relu6"),
    "Sigmoid": function("sigmoid"),
    "Silu": function("silu"),
    "Tanh": function("tanh"),
    "HardSigmoid": function("hard_sigmoid"),
    "HardSilu": function("hard_swish"),
    **VALUES,
}
