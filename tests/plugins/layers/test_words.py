"""What people read of layers: refusals, summaries, settings, the palette."""

from __future__ import annotations

import pytest

from tests.plugins.networks import make
from workbench.document.graph import Node
from workbench.errors import UserError
from workbench.plugin_api.layer import CATEGORIES
from workbench.plugin_api.tensors import ShapeError, TensorType

REFUSALS = [
    (
        "Conv2D", {}, [(64,)],
        "Conv 2D needs height × width × channels, but got features (64).",
        "Add Reshape, or remove Flatten before it.",
    ),
    (
        "Conv1D", {}, [(8, 8, 3)],
        "Conv 1D needs time × features, but got height × width × channels (8 × 8 × 3).",
        "Use the 2D kind of this layer, or add Reshape before it.",
    ),
    (
        "Conv2D", {"kernel_size": (5, 5)}, [(8, 3, 3)],
        "Conv 2D covers 5 along width, but the input has only 3 there.",
        "Make the kernel smaller, use “same” padding, or shrink the input less before it.",
    ),
    (
        "MaxPool2D", {"padding": "explicit", "pads": ((0, 1), (0, 0)), "pool_size": (9, 2)},
        [(4, 4, 3)],
        "Max pool covers 9 along height, but the input has only 5 there, padding included.",
        "Make the kernel smaller, use “same” padding, or shrink the input less before it.",
    ),
    (
        "Conv2D", {"stride": (2, 2), "dilation": (2, 2)}, [(8, 8, 3)],
        "Conv 2D cannot have a stride and a dilation above 1 at once.",
        "Set one of them to 1, or put the stride into a pooling layer after it.",
    ),
    (
        "Conv2D", {"groups": 2}, [(8, 8, 3)],
        "Conv 2D cannot divide 3 input channels into 2 groups.",
        "Choose a number of groups that divides both channels and filters.",
    ),
    (
        "ConvTranspose2D", {"kernel_size": (1, 1), "stride": (2, 2)}, [(8, 8, 3)],
        "Transposed conv cannot have a kernel of 1 along an axis with a stride above 1.",
        "Use a kernel as long as the stride, or Upsample before a convolution.",
    ),
    (
        "MaxPool2D", {"padding": "explicit", "pads": ((2, 2), (0, 0))}, [(8, 8, 3)],
        "Max pool would have windows that hold padding alone.",
        "Make every pad smaller than the pool size.",
    ),
    (
        "GlobalAveragePool", {}, [(64,)],
        "Global average pool needs space or time to pool over, but got features (64).",
        "Remove it, or remove Flatten before it.",
    ),
    (
        "GroupNorm", {"groups": 5}, [(8, 8, 12)],
        "Group norm cannot divide 12 channels into 5 groups.",
        "Possible are 1, 2, 3, 4, 6, 12.",
    ),
    (
        "GroupNorm", {"groups": 8}, [(8,)],
        "Group norm would make every value zero: each group holds one value only.",
        "Use fewer groups, or another normalisation.",
    ),
    (
        "Reshape", {"shape": (4, 4)}, [(3, 5)],
        "Reshape got 15 values (3 × 5), which do not fit 4 × 4.",
        "The product of the new sizes must be the number of values.",
    ),
    (
        "Add", {}, [(8, 8, 3), (8, 8, 4)],
        "Add needs inputs of one shape, but got 8 × 8 × 3 and 8 × 8 × 4, which differ in channels.",
        "Make them equal, for instance with a 1×1 convolution or Dense on one branch.",
    ),
    (
        "Add", {}, [(8, 8, 3), (4, 4, 3)],
        "Add needs inputs of one shape, but got 8 × 8 × 3 and 4 × 4 × 3, which differ in height.",
        "Give the branches the same strides and padding.",
    ),
    (
        "Concatenate", {}, [(8, 8, 3), (4, 8, 3)],
        "Concatenate along channels needs equal height, but got 8 × 8 × 3 and 4 × 8 × 3.",
        "Give the branches the same strides and padding, or pad the smaller one.",
    ),
    (
        "Concatenate", {}, [(8, 8, 3), (3,)],
        "Concatenate got height × width × channels (8 × 8 × 3) and features (3).",
        "Add Flatten or a global pool to the one with more axes.",
    ),
    (
        "GLU", {}, [(5,)],
        "GLU needs an even size along features, but it is 5.",
        "Give the layer before it an even number of filters or units.",
    ),
    (
        "Softmax", {"axis": 3}, [(4, 5)],
        "Softmax is set to axis 3, but got time × features (4 × 5).",
        "Use -1 for the last axis, or 1 to 2.",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case[3])
def test_refusals_say_what_is_wrong_and_what_would_help(catalog, case):
    layer_type, params, inputs, message, hint = case
    with pytest.raises(ShapeError) as caught:
        make(catalog, layer_type, **params).output([TensorType(shape) for shape in inputs])
    assert (caught.value.message, caught.value.hint) == (message, hint)


SUMMARIES = [
    ("Conv2D", {"padding": "same"}, "32 · 3×3 · same"),
    ("Conv2D", {"filters": 64, "stride": (2, 2), "padding": "same"}, "64 · 3×3 · stride 2"),
    ("Conv2D", {"stride": (2, 1), "activation": "relu"}, "32 · 3×3 · stride 2×1 · relu"),
    ("Dense", {"units": 2, "activation": "softmax"}, "2 units · softmax"),
    ("Dense", {"units": 1}, "1 unit"),
    ("BatchNorm", {}, "momentum 0.1"),
    ("DepthwiseConv2D", {"multiplier": 2}, "3×3 · ×2"),
    ("MaxPool2D", {"stride": (1, 1), "padding": "same"}, "2×2 · stride 1 · same"),
    ("MaxPool2D", {"stride": (2, 2)}, "2×2"),
    ("Dropout", {"rate": 0.25}, "rate 0.25"),
    ("Flatten", {}, ""),
    ("Permute", {"axes": [2, 1]}, "2, 1"),
    ("Reshape", {"shape": [4, -1]}, "4 × -1"),
    ("Rescale", {"scale": 0.5, "offset": -1}, "× 0.5 - 1"),
]


@pytest.mark.parametrize(("layer_type", "params", "words"), SUMMARIES)
def test_summary_on_the_node(catalog, layer_type, params, words):
    assert make(catalog, layer_type, **params).summary() == words


def test_every_layer_can_be_shown(catalog):
    titles = [layer.title for layer in catalog.layers]
    assert len(set(titles)) == len(titles)
    for layer in catalog.layers:
        assert layer.category in CATEGORIES, layer.id
        assert layer.help.endswith("."), layer.id
        assert layer.reference.startswith("https://") or not layer.reference
        for field in layer.parameters():
            assert field.hidden or field.kind != "other", (layer.id, field.name)
            assert field.title, (layer.id, field.name)
            assert not field.required, (layer.id, field.name)


def test_settings_come_in_the_order_people_think_in(catalog):
    names = [field.name for field in catalog.layers["Conv2D"].parameters()]
    assert names[:6] == ["filters", "kernel_size", "stride", "padding", "pads", "dilation"]
    assert names[6:10] == ["groups", "activation", "use_bias", "kernel_initializer"]
    assert sorted(names) == sorted(catalog.layers["Conv2D"].__struct_fields__)


@pytest.mark.parametrize(
    ("layer_type", "params"),
    [
        ("Conv2D", {"filters": 0}),
        ("Conv2D", {"kernel_size": [3]}),
        ("Conv2D", {"padding": "full"}),
        ("Conv2D", {"kernel_l2": -1.0}),
        ("Dropout", {"rate": 1.0}),
        ("BatchNorm", {"epsilon": 0.0}),
        ("Rescale", {"scale": float("nan")}),
        ("Rescale", {"scale": float("inf")}),
        ("Dense", {"outputs": 3}),
        ("MaxPool2D", {"pads": [[-1, 0], [0, 0]]}),
    ],
)
def test_settings_out_of_bounds_are_refused_in_words(catalog, layer_type, params):
    with pytest.raises(UserError, match="has a setting that cannot be used"):
        catalog.layer(Node("layer1", layer_type, params))


def test_input_takes_the_shape_of_the_data(catalog):
    data = TensorType((28, 28, 1))
    assert make(catalog, "Input").output([data]) == data
    assert make(catalog, "Input", shape=[28, 28, 1]).output([data]) == data
    assert make(catalog, "Input", shape=[8, 8]).output([]) == TensorType((8, 8))
    with pytest.raises(ShapeError, match="does not know the shape"):
        make(catalog, "Input").output([])
    with pytest.raises(ShapeError, match="set to 32 × 32 × 1, but the data are 28 × 28 × 1"):
        make(catalog, "Input", shape=[32, 32, 1]).output([data])


def test_axes_that_vary(catalog):
    clip = TensorType((None, 12), ("time", "features"))
    assert make(catalog, "GlobalAveragePool").output([clip]).shape == (12,)
    assert make(catalog, "Dense", units=3).output([clip]).shape == (None, 3)
    assert make(catalog, "LayerNorm").output([clip]) == clip
    assert make(catalog, "Concatenate").output([clip, clip]).shape == (None, 24)
    assert make(catalog, "Conv1D", filters=3).output([clip]).shape == (None, 3)
    assert make(catalog, "LSTM", units=3).output([clip]).shape == (3,)
    for layer_type in ("ConvTranspose1D", "Flatten", "Reshape"):
        with pytest.raises(ShapeError, match="fixed size along every axis"):
            make(catalog, layer_type).output([clip])


def test_axes_keep_their_names(catalog):
    picture = TensorType((8, 6, 3))
    assert make(catalog, "Permute", axes=[3, 1, 2]).output([picture]).axes == (
        "channels",
        "height",
        "width",
    )
    assert make(catalog, "Conv2D").output([picture]).axes == picture.axes
    assert make(catalog, "Flatten").output([picture]).axes == ("features",)


def test_penalties_reach_the_weights(catalog):
    params = {"kernel_l1": 0.1, "kernel_l2": 0.2, "bias_l2": 0.3}
    for layer_type in ("Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "ConvTranspose2D"):
        specs = make(catalog, layer_type, **params).weights([TensorType((8, 8, 3))])
        kernels = [spec for name, spec in specs.items() if name.endswith("kernel")]
        assert {(spec.l1, spec.l2) for spec in kernels} == {(0.1, 0.2)}
        assert (specs["bias"].l1, specs["bias"].l2) == (0.0, 0.3)
