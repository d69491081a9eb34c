"""Grad-CAM against the generated module itself, occlusion against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.networks import Build, compiled, random_array
from tests.workbench.worker.test_attribution import CLASSES, model
from workbench.analysis.shapes import resolve
from workbench.plugin_api.tensors import TensorType
from workbench.worker.picture_maps import (
    grad_cam,
    last_picture_layer,
    occluded,
    picture_layers,
)
from workbench.worker.pretrained.importing import Wish, take

PICTURE = TensorType((12, 10, 3), ("height", "width", "channels"))


def residual(catalog):
    """Return a network with a branch, statistics, pooling, and picture layers after it."""
    build = Build(catalog)
    last = build.put_input("input1", PICTURE)
    stem = build.add("conv1", "Conv2D", last, filters=5, kernel_size=(3, 3), padding="same")
    norm = build.add("norm1", "BatchNorm", stem)
    act = build.add("act1", "GELU", norm)
    last = build.add("conv2", "Conv2D", act, filters=5, kernel_size=(3, 3), padding="same")
    last = build.add("add1", "Add", last, act)
    last = build.add("pool1", "MaxPool2D", last)
    last = build.add("conv3", "Conv2D", last, filters=7, kernel_size=(3, 3))
    last = build.add("act3", "ReLU", last)
    last = build.add("pool2", "MaxPool2D", last)
    last = build.add("flat1", "Flatten", last)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    return build.network()


@pytest.fixture(scope="module")
def network(catalog):
    return residual(catalog)


def by_hand(reference, inputs, node, target):
    """Return Grad-CAM as the paper has it, from a hook on the module's own layer."""
    module, kept = reference.module, {}

    def keep(_module, _inputs, output):
        kept["maps"] = output
        output.retain_grad()

    hook = getattr(module, node).register_forward_hook(keep)
    (tensor,) = reference.tensors([inputs])
    score = module(tensor.requires_grad_())[0, target]
    score.backward()
    hook.remove()
    maps = kept["maps"]
    alpha = maps.grad.mean(dim=(2, 3), keepdim=True)
    found = torch.relu((alpha * maps).sum(1))[0]
    return found.detach().numpy(), float(score.detach())


@pytest.mark.parametrize("node", ["conv1", "norm1", "conv2", "conv3", "act3"])
@pytest.mark.parametrize("target", [0, 2])
def test_grad_cam_is_that_of_the_paper(catalog, network, tmp_path, node, target):
    reference = compiled(network)
    made = model(catalog, network, reference.weights, tmp_path)
    strongest = 0.0
    for seed in range(3):
        inputs = random_array(PICTURE.shape, batch=1, seed=seed)
        expected, score = by_hand(reference, inputs, node, target)

        found, output = grad_cam(made, inputs, node, np.eye(3, dtype=np.float32)[target])

        assert found.shape == network[node].output.shape[:2]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert output == pytest.approx(score, abs=1e-5)
        strongest = max(strongest, found.max())
    assert strongest > 0


def test_layers_that_can_be_looked_at(catalog, network):
    assert last_picture_layer(network) == "act3"
    layers = picture_layers(network)
    assert layers[0] == "conv1"
    assert layers[-1] == "pool2"
    assert {"add1", "act1"} < set(layers)
    assert not {"input1", "flat1", "dense1", "output1"} & set(layers)


def test_a_network_without_pictures_inside_has_none(catalog):
    build = Build(catalog)
    last = build.put_input("input1", PICTURE)
    last = build.add("flat1", "Flatten", last)
    last = build.add("dense1", "Dense", last, units=len(CLASSES))
    build.add("output1", "Output", last)
    assert picture_layers(build.network()) == ()
    assert last_picture_layer(build.network()) == ""


@given(
    st.tuples(st.integers(2, 9), st.integers(2, 9)),
    st.integers(1, 11),
    st.integers(1, 5),
    st.integers(0, 2**32),
)
@settings(max_examples=25, deadline=None)
def test_occlusion_is_what_a_plain_loop_finds(size, patch, stride, seed):
    random = np.random.default_rng(seed)
    picture = random.normal(size=(*size, 2)).astype(np.float32)
    weights = random.normal(size=(picture.size, 3)).astype(np.float32)

    def predict(pictures):
        return (np.tanh(pictures).reshape(len(pictures), -1) @ weights).astype(np.float32)

    shares = []
    factors = np.eye(3, dtype=np.float32)[1]
    hidden = occluded(predict, picture, patch=patch, stride=stride, progress=shares.append)
    found, score = hidden.map(factors)

    whole = float(predict(picture[None])[0, 1])
    drops = [[[] for _ in range(size[1])] for _ in range(size[0])]
    high, wide = min(patch, size[0]), min(patch, size[1])
    for top in sorted({*range(0, size[0] - high, stride), size[0] - high}):
        for left in sorted({*range(0, size[1] - wide, stride), size[1] - wide}):
            hidden = picture.copy()
            hidden[top : top + high, left : left + wide] = picture.mean(axis=(0, 1))
            drop = whole - float(predict(hidden[None])[0, 1])
            for row in range(top, top + high):
                for column in range(left, left + wide):
                    drops[row][column].append(drop)
    for row in range(size[0]):
        for column in range(size[1]):
            # A stride beyond the patch leaves pixels that nothing hides.
            expected = np.mean(drops[row][column]) if drops[row][column] else 0.0
            assert found[row, column] == pytest.approx(expected, abs=1e-3)
    assert score == pytest.approx(whole, abs=1e-3)
    assert shares[-1] == 1.0


def test_the_patch_that_matters_is_found_with_the_usual_sizes():
    picture = np.zeros((28, 28, 1), np.float32)
    picture[4:9, 18:24] = 1.0

    def predict(pictures):
        return pictures[:, 4:9, 18:24].sum(axis=(1, 2, 3))[:, None]

    found, score = occluded(predict, picture).map(np.ones(1, np.float32))

    assert score == 30
    row, column = divmod(int(found.argmax()), 28)
    assert 4 <= row < 9
    assert 18 <= column < 24
    assert found[20, 5] < found.max() / 10


def test_modules_inside_a_pretrained_block_can_be_looked_at(catalog, tmp_path):
    taken = take(Wish(source="timm:test_resnet", form="block", folder=tmp_path), catalog)
    network = resolve(taken.experiment.graph, catalog, TensorType((160, 160, 3))).network
    block, head = (node.id for node in network.nodes[1:3])
    specs = network.weight_specs()
    weights = {name: taken.imported.weights[name] for name in specs}
    made = model(catalog, network, weights, tmp_path)
    inputs = random_array((160, 160, 3), batch=1)
    factors = np.zeros(network[head].output.shape, np.float32)
    factors[7] = 1

    last = last_picture_layer(network)
    found, score = grad_cam(made, inputs, last, factors)

    assert last == f"{block}.layer4"
    assert f"{block}.conv1.0" in picture_layers(network)
    maps = made.probe(inputs, (last,))[last][0]
    # The head is linear in the mean of the last maps: their weights are those of the class.
    by_hand = np.maximum(maps @ weights[f"{head}/kernel"][:, 7] / maps[..., 0].size, 0)
    assert by_hand.max() > 0
    np.testing.assert_allclose(found, by_hand, atol=1e-5)
    assert score == pytest.approx(float(made.predict(inputs)[0, 7]), abs=1e-4)
