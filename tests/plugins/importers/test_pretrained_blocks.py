"""Networks that are kept as one block run as they were, and can be frozen, watched and cut."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import timm  # noqa: TID253
import torch  # noqa: TID253

from plugins.backends.pytorch.adapters import HELPERS
from plugins.importers import _aten_program
from workbench.analysis.adapting import add_adapters
from workbench.analysis.retraining import cut_after, freeze_inside, unfreeze_inside
from workbench.analysis.shapes import resolve
from workbench.analysis.unfreezing import thawed
from workbench.document.edits import EditError, insert_on_edge
from workbench.document.experiment import Component
from workbench.document.graph import LoRA, Node
from workbench.document.training import SGD, Training, Unfreezing
from workbench.plugin_api.adapters import factor_names, merged
from workbench.plugin_api.backend import Batch, BuildPlan
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.tensors import TensorType
from workbench.worker.initial import initial_weights
from workbench.worker.pretrained.importing import Wish, take

SIZE = (160, 160, 3)
SEED = 3


@pytest.fixture(scope="module")
def blocks(catalog, tmp_path_factory):
    """Import by name; each once."""
    known = {}

    def imported(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("weights")
            known[name] = take(Wish(source=name, form="block", folder=folder), catalog)
        return known[name]

    return imported


def network_of(graph, catalog, size=SIZE):
    return resolve(graph, catalog, TensorType(size)).network


def model_of(taken, catalog, folder, experiment=None):
    graph = (experiment or taken.experiment).graph
    network = network_of(graph, catalog)
    backend = catalog.backend("torch")
    code = backend.generate(network)
    path = folder / "model.py"
    path.write_text(code.source, encoding="utf-8")
    plan = BuildPlan(
        network=network,
        task=catalog.task(Component("classification")),
        info=DataInfo(input=network.inputs[0].output),
        training=Training(optimizer=SGD(learning_rate=0.1)),
        code=code,
        module_path=path,
        train_counts=(),
        device="cpu",
        seed=SEED,
    )
    model = backend.build(plan)
    specs = network.weight_specs()
    model.load_weights({name: taken.imported.weights[name] for name in specs})
    return network, model


def pictures(count=2):
    return np.random.default_rng(1).normal(size=(count, *SIZE)).astype(np.float32)


def test_the_modules_are_the_original_ones_and_the_head_stands_by_itself(blocks, catalog):
    taken = blocks("timm:test_vit")
    assert [node.layer.id for node in taken.network.nodes] == [
        "Input",
        "Pretrained",
        "Dense",
        "Output",
    ]
    module = timm.create_model("test_vit")
    block = taken.network.nodes[1]
    own = {name for name in module.state_dict() if not name.startswith("head.")}
    assert set(block.weights) == own
    assert taken.network.parameters == sum(value.numel() for value in module.parameters())
    assert "cls_token" in block.weights
    assert taken.report.difference <= 1e-6
    assert "Kept as one block" in " ".join(taken.report.lines())


def test_a_network_that_layers_cannot_express_is_kept_by_itself(catalog, tmp_path, monkeypatch):
    def refused(module, size):
        raise NotCoveredError("“attn” computes “unheard_of”, for which there is no layer here.")

    monkeypatch.setattr(_aten_program, "expand", refused)
    taken = take(Wish(source="timm:test_resnet", folder=tmp_path), catalog)
    assert taken.report.whole == "“attn” computes “unheard_of”, for which there is no layer here"
    with pytest.raises(NotCoveredError, match="unheard_of"):
        take(Wish(source="timm:test_resnet", form="nodes", folder=tmp_path), catalog)


def test_layers_that_do_not_compute_the_same_give_way_to_a_block(catalog, tmp_path, monkeypatch):
    def wrong(module, size):
        found = expand(module, size)
        name = next(name for name in found.weights if name.endswith("/kernel"))
        found.weights[name] *= 1.5
        return found

    expand = _aten_program.expand
    monkeypatch.setattr(_aten_program, "expand", wrong)
    taken = take(Wish(source="timm:test_resnet", folder=tmp_path), catalog)
    assert "do not compute what the network did" in taken.report.whole
    assert taken.report.difference <= 1e-6


@pytest.mark.parametrize("name", ["timm:test_vit", "timm:test_resnet", "timm:test_convnext"])
def test_inner_modules_can_be_watched(name, blocks, catalog, tmp_path):
    taken = blocks(name)
    network, model = model_of(taken, catalog, tmp_path)
    inner = network.inner
    assert len(inner) > 10
    found = model.probe(pictures(), tuple(inner))
    assert found.keys() == inner.keys()
    for key, part in inner.items():
        assert found[key].shape[1:] == part.shape, key


def test_what_is_watched_is_what_the_module_gives(blocks, catalog, tmp_path):
    taken = blocks("timm:test_resnet")
    network, model = model_of(taken, catalog, tmp_path)
    block = network.nodes[1].id
    module = timm.create_model("test_resnet").eval()
    state = {
        key.partition("/")[2]: torch.from_numpy(value)
        for key, value in taken.imported.weights.items()
        if key.startswith(f"{block}/")
    }
    _, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    kept = []
    module.layer2.register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.no_grad():
        module(torch.from_numpy(pictures().transpose(0, 3, 1, 2)))
    found = model.probe(pictures(), (f"{block}.layer2",))[f"{block}.layer2"]
    wanted = kept[0].numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_a_block_ends_where_it_is_cut(blocks, catalog, tmp_path):
    taken = blocks("timm:test_resnet")
    whole, model = model_of(taken, catalog, tmp_path)
    block, head = whole.nodes[1].id, whole.nodes[2].id
    cut = cut_after(taken.experiment, whole, block, "layer2")
    network = network_of(cut.graph, catalog)
    assert network[block].output.shape == whole.inner[f"{block}.layer2"].shape
    names = {name.partition(".")[0] for name in network[block].weights}
    assert "layer2" in names
    assert not names & {"layer3", "layer4"}
    assert 0 < network[block].multiply_adds < whole[block].multiply_adds
    pooled = insert_on_edge(cut, Node("pool", "GlobalAveragePool"), head, 0)
    kernel = network_of(pooled.graph, catalog)[head].weights["kernel"]
    weights = {**taken.imported.weights, f"{head}/kernel": np.zeros(kernel.shape, np.float32)}
    shorter = dataclasses.replace(
        taken, imported=dataclasses.replace(taken.imported, weights=weights)
    )
    (tmp_path / "cut").mkdir()
    _, ended = model_of(shorter, catalog, tmp_path / "cut", pooled)
    one = model.probe(pictures(), (f"{block}.layer2",))[f"{block}.layer2"]
    other = ended.probe(pictures(), (block,))[block]
    np.testing.assert_array_equal(one, other)
    with pytest.raises(EditError, match="no such module"):
        cut_after(taken.experiment, whole, block, "layer9")


def test_frozen_modules_do_not_change_at_all(blocks, catalog, tmp_path):
    taken = blocks("timm:test_resnet")
    network = network_of(taken.experiment.graph, catalog)
    block = network.nodes[1].id
    frozen = freeze_inside(taken.experiment, network, block, "layer2", up_to=True)
    network, model = model_of(taken, catalog, tmp_path, frozen)
    before = model.weights()
    assert 0 < network[block].trained_parameters < network[block].parameters
    inputs, targets = pictures(4), np.array([0, 1, 2, 3])
    for _ in range(2):
        model.train_step([Batch(inputs, targets)], 0.1)
    changed = {name for name, value in model.weights().items() if (value != before[name]).any()}
    held = {name for name in before if name.startswith((f"{block}/layer1.", f"{block}/layer2."))}
    assert any("running_mean" in name for name in held)
    assert not changed & held
    assert not any("/conv1." in name or "/bn1." in name for name in changed)
    assert any("layer3" in name and "running_mean" in name for name in changed)


def test_freezing_names_as_few_modules_as_there_can_be(blocks, catalog):
    taken = blocks("timm:test_vit")
    network = network_of(taken.experiment.graph, catalog)
    block = network.nodes[1].id
    frozen = freeze_inside(taken.experiment, network, block, "blocks.2", up_to=True)
    named = frozen.graph[block].params["frozen"]
    assert {"patch_embed", "cls_token", "pos_embed", "blocks.0", "blocks.1", "blocks.2"} == set(
        named
    )
    network = network_of(frozen.graph, catalog)
    thawed = unfreeze_inside(frozen, network, block, "blocks.1.mlp")
    left = network_of(thawed.graph, catalog)[block]
    assert {name for name in left.trained if name.startswith("blocks.1.")} == {
        name for name in left.weights if name.startswith("blocks.1.mlp.")
    }
    assert unfreeze_inside(thawed, network, block, "blocks").graph[block].params["frozen"] == [
        "cls_token",
        "patch_embed",
        "pos_embed",
    ]


def test_a_block_of_pytorch_is_refused_by_other_backends_in_words(blocks, catalog):
    network = network_of(blocks("timm:test_vit").experiment.graph, catalog)
    problems = catalog.backend("keras-jax").problems(network)
    assert any("Pretrained network" in problem.message for problem in problems)


def test_other_sizes_and_texts_are_refused_in_words(blocks, catalog):
    graph = blocks("timm:test_vit").experiment.graph
    small = resolve(graph, catalog, TensorType((64, 64, 3)))
    assert "pictures of 160 × 160 × 3" in small.problems[0].message
    tokens = resolve(graph, catalog, TensorType((None,), ("time",), "int64"))
    assert "takes pictures" in tokens.problems[0].message


def test_adapters_inside_a_block_are_trained_and_merge(blocks, catalog, tmp_path):
    taken = blocks("timm:test_vit")
    network = network_of(taken.experiment.graph, catalog)
    experiment = add_adapters(taken.experiment, network, LoRA(rank=2))
    network = network_of(experiment.graph, catalog)
    block, head = network.nodes[1:3]
    assert set(block.adapters) == {name for name in block.weights if name.endswith("qkv.weight")}
    assert head.trained_parameters == head.parameters
    weights = taken.imported.weights | initial_weights(network, SEED)
    weights |= {name: value for name, value in taken.imported.weights.items() if name in weights}
    _, plain_model = model_of(taken, catalog, tmp_path)
    before = plain_model.predict(pictures())
    _, model = model_of(
        dataclasses.replace(taken, imported=_with(taken, weights)), catalog, tmp_path, experiment
    )
    np.testing.assert_allclose(model.predict(pictures()), before, atol=1e-6)
    for _ in range(3):
        model.train_step((Batch(pictures(4), np.array([0, 1, 2, 3])),), 0.1)
    trained = model.weights()
    changed = {name for name, value in trained.items() if (value != weights[name]).any()}
    assert changed == {*factor_names(network), *(f"{head.id}/{name}" for name in head.weights)}
    alone = dataclasses.replace(taken, imported=_with(taken, merged(network, trained)))
    _, plain_model = model_of(alone, catalog, tmp_path)
    wanted = model.predict(pictures())
    np.testing.assert_allclose(plain_model.predict(pictures()), wanted, atol=1e-5)
    assert np.abs(wanted - before).max() > 1e-3


def _with(taken, weights):
    return dataclasses.replace(taken.imported, weights=weights)


def test_adapters_in_frozen_modules_wait_until_these_thaw(blocks, catalog):
    taken = blocks("timm:test_vit")
    network = network_of(taken.experiment.graph, catalog)
    body = network.nodes[1].id
    experiment = add_adapters(taken.experiment, network, LoRA(rank=2))
    experiment = freeze_inside(experiment, network, body, "blocks.0")
    network = network_of(experiment.graph, catalog)
    held = network[body].trained
    assert held
    assert not any(name.startswith("blocks.0.") for name in held)
    warm = thawed(network, Unfreezing(every=1, stages=1), 1)[body].trained
    assert {name.partition(".attn")[0] for name in warm} > {"blocks.0"}
    assert all("_lora_" in name for name in warm)


def test_matrices_that_a_module_reads_itself_are_adapted(catalog):
    space = {}
    exec(
        "import torch\nfrom torch import nn\nfrom torch.nn.utils import parametrize\n"
        + "\n".join(HELPERS.values()),
        space,
    )
    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    with torch.no_grad():
        before = attention(x, x, x, need_weights=False)[0]
        adapted = space["add_lora"](attention, ["in_proj_weight", "out_proj.weight"], 2, 4.0)
        torch.testing.assert_close(adapted(x, x, x, need_weights=False)[0], before)
        for name, parameter in adapted.named_parameters():
            if name.endswith(".b"):
                parameter.normal_()
        assert (adapted(x, x, x, need_weights=False)[0] - before).abs().max() > 0.1
