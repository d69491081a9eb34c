"""Thousands of random layers against PyTorch: shapes, weights, cost, code, weight layout."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import event, given, settings

from tests.plugins.layers.draws import PICTURES_ONLY, layers, refusal
from tests.plugins.networks import Build, compiled, make, random_array, single
from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.plugin_api.network import Network, ResolvedNode
from workbench.plugin_api.tensors import TensorType

CATALOG = Catalog()
CATALOG.add_module("plugins.layers")
LAYERS = sorted(layer.id for layer in CATALOG.layers if layer.takes == "numbers")


def draws(kind):
    """Return how many layers of a kind are drawn: more where there is more to get wrong."""
    return 80 if hasattr(kind, "windows") else 10 * (2 + len(kind.parameters()))


def test_enough_layers_are_drawn():
    assert not CATALOG.broken
    assert sum(draws(CATALOG.layers[layer_type]) for layer_type in LAYERS) >= 2000


@pytest.mark.parametrize("layer_type", LAYERS)
def test_layer_agrees_with_pytorch(layer_type):
    kind = CATALOG.layers[layer_type]

    @settings(max_examples=draws(kind), database=None)
    @given(layers(kind))
    def check(drawn):
        params, inputs = drawn
        layer = make(CATALOG, layer_type, **params)
        error = refusal(layer, [TensorType(shape) for shape in inputs])
        if error is None:
            event("taken")
            check_taken(layer, inputs)
        else:
            event("refused")
            check_refused(layer, inputs, error)

    check()


def check_taken(layer, inputs):
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    network = single(CATALOG, layer, inputs)
    node = network["layer"]
    model = compiled(network)
    arrays = [random_array(shape, seed=index) for index, shape in enumerate(inputs)]
    output = model.run(*arrays)
    # Fused kernels are not counted, the products that they are made of are.
    with (
        torch.no_grad(),
        without_fused_rnn(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        model.run(*arrays)
    assert output.shape == (2, *node.output.shape)
    assert counter.get_total_flops() == 2 * 2 * node.multiply_adds
    check_weights(model, node)
    np.testing.assert_array_equal(model.probe(*arrays, wanted=["layer"])["layer"], output)
    assert isinstance(layer.summary(), str)
    check_training(model, arrays, output.shape)


@contextlib.contextmanager
def without_fused_rnn():
    """Let recurrent layers do their products one by one."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TF32 acceleration")
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def check_weights(model, node):
    trainable = sum(p.numel() for p in model.module.parameters())
    kept = model.module.state_dict()
    statistics = sum(
        buffer.numel()
        for name, buffer in model.module.named_buffers()
        if name in kept and "num_batches" not in name
    )
    assert trainable == node.parameters
    assert statistics == node.statistics
    stored = model.stored()
    assert stored.keys() == model.weights.keys()
    for name, value in stored.items():
        np.testing.assert_array_equal(value, model.weights[name])


def check_training(model, arrays, shape):
    """A forward and backward pass in training mode reaches every weight."""
    model.module.train()
    tensors = [tensor.requires_grad_() for tensor in model.tensors(arrays)]
    output = model.module(*tensors)
    assert output.numel() == np.prod(shape)
    output.sum().backward()
    for name, weight in model.module.named_parameters():
        assert weight.grad is not None, name


def check_refused(layer, inputs, error):
    """The message is worth reading, and PyTorch could not do it either, unless we must not."""
    assert error.message.endswith(".")
    assert len(error.message) > 20
    if is_our_own_rule(layer, inputs):
        return
    types = tuple(TensorType(shape) for shape in inputs)
    try:
        network = unchecked(layer, types)
        model = compiled(network)
    except (UserError, ValueError, IndexError):
        return
    with pytest.raises((RuntimeError, IndexError, ValueError)):
        model.run(*(random_array(shape) for shape in inputs))


def is_our_own_rule(layer, inputs):
    """Whether the layer may refuse what PyTorch would compute (parity, crashes, silent nonsense).

    - a wrong number of axes: PyTorch takes a batch for channels, or broadcasts;
    - stride with dilation (Keras cannot); a transposed kernel of 1 with a stride (it crashes);
    - attention whose heads do not fit: PyTorch drops what is left over;
    - pooling windows that hold padding alone (PyTorch gives minus infinity or NaN).
    """
    rank = getattr(layer, "rank", None)
    if layer.category == "Attention":  # heads that do not divide the features, and the like
        return True
    if layer.category == "Sound":  # frequencies that the sample rate does not hold
        return True
    if layer.id in PICTURES_ONLY:
        rank = 2
    if rank and len(inputs[0]) != rank + 1:
        return True
    if layer.id.startswith("Global") or layer.id == "SpatialDropout":
        return len(inputs[0]) == 1
    if hasattr(layer, "windows"):
        windows = layer.windows
        if max(w.stride for w in windows) > 1 and max(w.dilation for w in windows) > 1:
            return True
        if layer.id.startswith("ConvTranspose"):
            return any(w.kernel == 1 and w.stride > 1 for w in windows)
        if "Pool" in layer.id and layer.padding == "explicit":
            pads = layer.pads_for(TensorType(inputs[0]))
            return any(max(pair) >= w.kernel for pair, w in zip(pads, windows, strict=True))
    return layer.id.startswith("Crop")  # a slice of nothing is an empty tensor there


def unchecked(layer, types):
    """Return a network of a layer that refused its inputs."""
    build = Build(CATALOG)
    sources = tuple(build.input(f"in{index}", *kind.shape) for index, kind in enumerate(types))
    output = TensorType(types[0].shape)
    node = ResolvedNode("layer", layer, sources, types, output, layer.weights(types))
    return Network("Refused", (*build.nodes.values(), node))
