"""Grad-CAM, occlusion and integrated gradients are those of captum, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch  # noqa: TID253
from captum.attr import IntegratedGradients, LayerGradCam, Occlusion

from tests.plugins.networks import Build, compiled
from tests.workbench.worker.test_attribution import model
from workbench.worker.attribution import integrated_gradients
from workbench.worker.picture_maps import grad_cam, occluded

HEIGHT, WIDTH, CLASS = 14, 11, 1
FACTORS = np.eye(3, dtype=np.float32)[CLASS]

pytestmark = pytest.mark.filterwarnings("ignore:.*hook:UserWarning")


@pytest.fixture(scope="module")
def asked(catalog, tmp_path_factory):
    """Return the network in the workbench, its plain module, and a picture for either."""
    build = Build(catalog)
    last = build.input("input1", HEIGHT, WIDTH, 3)
    last = build.add("conv1", "Conv2D", last, filters=5, kernel_size=(3, 3))
    last = build.add("act1", "GELU", last)
    last = build.add("pool1", "MaxPool2D", last)
    last = build.add("conv2", "Conv2D", last, filters=4, kernel_size=(2, 2))
    last = build.add("act2", "ReLU", last)
    last = build.add("pool2", "GlobalAveragePool", last)
    last = build.add("dense1", "Dense", last, units=3)
    build.add("output1", "Output", last)
    reference = compiled(build.network())
    folder = tmp_path_factory.mktemp("captum")
    picture = np.random.default_rng(3).normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    given = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]
    made = model(catalog, reference.network, reference.weights, folder)
    return made, reference.module.eval(), picture, given


def test_grad_cam(asked):
    made, module, picture, given = asked
    wanted = LayerGradCam(module, module.conv2).attribute(given, CLASS, relu_attributions=True)
    found, _ = grad_cam(made, picture[None], "conv2", FACTORS)
    assert found.any()
    np.testing.assert_allclose(found, wanted[0, 0].detach().numpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("patch", "stride"), [(3, 3), (4, 2), (5, 1)])
def test_occlusion(asked, patch, stride):
    """Captum lets the last window hang over the edge; where it need not, both are the same."""
    _, module, picture, given = asked
    high, wide = ((size - patch) // stride * stride + patch for size in (HEIGHT, WIDTH))
    picture, given = picture[:high, :wide], given[:, :, :high, :wide]
    colour = picture.mean(axis=(0, 1))
    wanted = Occlusion(module).attribute(
        given,
        sliding_window_shapes=(3, patch, patch),
        strides=(3, stride, stride),
        baselines=torch.from_numpy(colour)[None, :, None, None].expand_as(given),
        target=CLASS,
    )

    def predict(pictures):
        with torch.no_grad():
            return module(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())).numpy()

    found, _ = occluded(predict, picture, patch=patch, stride=stride).map(FACTORS)
    np.testing.assert_allclose(found, wanted[0, 0].numpy(), rtol=1e-4, atol=1e-6)


def test_integrated_gradients(asked):
    made, module, picture, given = asked
    found = integrated_gradients(made, picture[None], ("input1",), FACTORS)
    wanted = IntegratedGradients(module).attribute(
        given, target=CLASS, n_steps=found.points, method="gausslegendre"
    )
    wanted = wanted[0].detach().numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(found.values["input1"], wanted, rtol=1e-4, atol=2e-6)
