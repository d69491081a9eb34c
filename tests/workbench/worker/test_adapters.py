"""A run with LoRA adapters: what it changes, that it goes on exactly, and what is exported."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.workbench.worker import digits_runs as runs
from workbench.analysis.body import caching
from workbench.analysis.exports import formats
from workbench.analysis.shapes import resolve
from workbench.document.edits import without_adapters
from workbench.document.exports import open_experiment
from workbench.document.graph import LoRA, Node
from workbench.document.training import Adam, Averaging, Constant
from workbench.errors import UserError
from workbench.plugin_api.adapter_files import ENTRY, arrays_of, header_of
from workbench.plugin_api.adapters import factor_names, merged, plain
from workbench.plugin_api.tensors import TensorType
from workbench.runs.request import Request, write_request
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.export import export_run, targets
from workbench.worker.initial import initial_weights
from workbench.worker.trained import open_trained
from workbench.worker.weights.applying import load_adapters
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
    check_adapters_alone(folder, tmp_path, catalog, network)


def check_adapters_alone(folder, tmp_path, catalog, network):
    """Their file, applied to the untrained network, gives the trained one back to the bit."""
    offered = {each.format for each in formats(catalog, network)}
    assert "adapters" in offered
    assert "peft" not in offered
    assert "adapters" not in {each.format for each in formats(catalog, plain(network))}
    (file,) = export_run(folder, targets(("adapters",), tmp_path, "net", catalog), catalog).files
    assert file.max_difference <= 1e-6
    assert file.notes[0].startswith("Adapters of 3 matrices, and the weights of head1;")
    path = tmp_path / "net.lora.safetensors"
    assert path.stat().st_size < 20_000

    base = without_adapters(runs.experiment(NODES, **SETTINGS))
    bare = plain(network)
    again, report = load_adapters(path, base, bare, tmp_path)
    assert again.graph == runs.experiment(NODES).graph
    assert (report.left, report.others) == ((), ())
    trained = open_trained(folder, catalog).weights
    started = load_file(again.start.file)
    assert started.keys() == {*factor_names(network), "head1/kernel", "head1/bias"}
    for name, array in started.items():  # the rest comes from the seed, as it did
        assert array.tobytes() == trained[name].tobytes()

    other = msgspec.structs.replace(base, seed=base.seed + 1)
    _, report = load_adapters(path, other, bare, tmp_path)
    assert "encoder1/attention_query_kernel" in report.others
    assert "trained beside other weights" in " ".join(report.lines())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("dense1", {"units": 12}), "The adapters do not fit dense1: for its matrix of 144 × 12"),
        (("head1", {"units": 7}), "head1/kernel is 16 × 7 here and 16 × 10 in the file"),
        (("dense2", {"units": 16}), "This network has no Dense layer “dense1”"),
        (("encoder1", {"heads": 4}), "The adapters do not fit encoder1"),
    ],
)
def test_adapters_of_another_network_are_refused_in_words(
    tmp_path, catalog, network, change, words
):
    node, params = change
    path = tmp_path / "net.lora.safetensors"
    weights = initial_weights(network, 3)
    header = msgspec.json.encode(header_of(network, weights)).decode()
    save_file(arrays_of(network, weights), path, {ENTRY: header})
    nodes = [msgspec.structs.replace(each, lora=None) for each in NODES]
    place = [each.id for each in nodes].index("dense1" if node == "dense2" else node)
    nodes[place] = msgspec.structs.replace(nodes[place], id=node, params=params)
    nodes[place + 1] = msgspec.structs.replace(nodes[place + 1], inputs=(node,))
    experiment = runs.experiment(tuple(nodes))
    other = resolve(experiment.graph, catalog, TensorType((8, 8, 1))).network
    try:
        _, report = load_adapters(path, experiment, other, tmp_path)
        told = " ".join(report.lines())
    except UserError as error:
        told = str(error)
    assert words in told


def test_what_is_no_file_of_adapters_is_refused_in_words(tmp_path, network):
    experiment = without_adapters(runs.experiment(NODES))
    cut = tmp_path / "cut.lora.safetensors"
    save_file({"dense1/kernel_lora_a": np.zeros((144, 2), np.float32)}, cut)
    empty = tmp_path / "folder"
    empty.mkdir()
    config = tmp_path / "adapter_config.json"
    for path, words in (
        (cut, "cut.lora.safetensors is no file of adapters."),
        (empty, "holds no adapter_config.json"),
        (config, "holds no adapter_config.json"),
        (tmp_path / "none.safetensors", "does not exist"),
    ):
        with pytest.raises(UserError, match=words):
            load_adapters(path, experiment, network, tmp_path)
    config.write_text('{"peft_type": "LOHA"}')
    weights = {"a.lora_A.weight": np.zeros((2, 3), np.float32)}
    save_file(weights, tmp_path / "adapter_model.safetensors")
    with pytest.raises(UserError, match="are LOHA, and only LoRA"):
        load_adapters(config, experiment, network, tmp_path)
    config.write_text('{"peft_type": "LORA", "r": 2}')
    with pytest.raises(UserError, match="has a matrix “a”, which the adapters in"):
        load_adapters(config, experiment, network, tmp_path)
