"""A run with LoRA adapters: what it changes, that it goes on exactly, and what is exported."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.workbench.worker import digits_runs as runs
from workbench.analysis.body import caching
from workbench.analysis.shapes import resolve
from workbench.document.edits import without_adapters
from workbench.document.exports import open_experiment
from workbench.document.graph import LoRA, Node
from workbench.document.training import Adam, Averaging, Constant
from workbench.plugin_api.adapters import factor_names, merged
from workbench.plugin_api.tensors import TensorType
from workbench.runs.request import Request, write_request
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.export import export_run, targets
from workbench.worker.initial import initial_weights
from workbench.worker.trained import open_trained
from workbench.worker.weights.loading import read_weights

NODES = (
    Node("input1", "Input"),
    Node("conv1", "Conv2D", {"filters": 4}, ("input1",), trainable=False),
    Node("shape1", "Reshape", {"shape": [6, 24]}, ("conv1",)),
    Node(
        "encoder1",
        "TransformerEncoder",
        {"heads": 2, "dropout": 0.1},
        ("shape1",),
        lora=LoRA(rank=4, alpha=8.0),
        learning_rate_scale=0.5,
    ),
    Node("flat1", "Flatten", {}, ("encoder1",)),
    Node("dense1", "Dense", {"units": 16, "activation": "relu"}, ("flat1",), lora=LoRA(rank=2)),
    Node("head1", "Dense", {"units": 10}, ("dense1",)),
    Node("output1", "Output", {}, ("head1",)),
)
SETTINGS = {"schedule": Constant(), "optimizer": Adam(learning_rate=0.01), "warmup_steps": 0}


@pytest.fixture(scope="module")
def network(catalog):
    found = resolve(runs.experiment(NODES).graph, catalog, TensorType((8, 8, 1)))
    assert not found.problems
    return found.network


def test_adapters_alone_are_trained_and_go_on_exactly(tmp_path, train, network):
    folders = [
        runs.run_folder(
            runs.experiment(NODES, epochs=epochs, averaging=Averaging(decay=0.9), **SETTINGS),
            tmp_path / str(epochs),
        )
        for epochs in (3, 1)
    ]
    for folder in folders:
        assert train(folder) == 0
    write_request(folders[1], Request(resume=True, epochs=3))
    assert train(folders[1]) == 0
    whole, resumed = (runs.final_weights(folder) for folder in folders)
    assert whole == resumed
    start = {name: value.tobytes() for name, value in initial_weights(network, 7).items()}
    changed = {name for name, value in whole.items() if value != start[name]}
    assert changed == {*factor_names(network), "head1/kernel", "head1/bias"}
    assert "encoder1/attention_query_kernel_lora_b" in changed


def test_the_body_is_kept_before_the_first_adapter(catalog, network):
    found = caching(runs.experiment(NODES, cache_features="on"), network, catalog)
    assert found.parting is not None
    assert found.parting.cut.id in ("conv1", "shape1")


def test_exports_are_of_the_merged_network_and_do_the_same(tmp_path, train, catalog, network):
    folder = runs.run_folder(runs.experiment(NODES, epochs=1, **SETTINGS), tmp_path / "runs")
    assert train(folder) == 0
    report = export_run(
        folder, targets(("safetensors", "onnx"), tmp_path, "merged", catalog), catalog
    )
    assert not report.failed
    for file in report.files:
        assert file.max_difference <= 1e-5
        assert "The LoRA adapters are merged into the weights." in file.notes
    weights = open_trained(folder, catalog).weights
    written = load_file(tmp_path / "merged.safetensors")
    expected = merged(network, weights)
    assert written.keys() == expected.keys()
    assert not any("lora" in name for name in written)
    change = expected["dense1/kernel"] - weights["dense1/kernel"]
    product = 8.0 * weights["dense1/kernel_lora_a"] @ weights["dense1/kernel_lora_b"]
    np.testing.assert_allclose(change, product, atol=1e-6)
    assert np.abs(change).max() > 1e-3
    ordinary = open_experiment(tmp_path / "merged.safetensors")
    assert ordinary.graph == without_adapters(runs.experiment(NODES)).graph
    again = resolve(ordinary.graph, catalog, TensorType((8, 8, 1))).network
    loaded, _ = read_weights(tmp_path / "merged.safetensors", again, catalog)
    assert (len(loaded.matched), loaded.unmatched, loaded.unused) == (len(written), (), ())
    assert Checkpoints(folder.checkpoints).find("last").weights.keys() == weights.keys()
