"""A block's own modules thaw one stage after the other, and what is cold stays bit for bit."""

from __future__ import annotations

from itertools import chain

import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.workbench.worker import digits_runs as runs
from workbench.analysis.body import caching
from workbench.analysis.retraining import freeze_body, freeze_inside, swap_head, unfreeze_inside
from workbench.analysis.shapes import resolve
from workbench.analysis.unfreezing import held, parts, thawed
from workbench.document.edits import set_training
from workbench.document.experiment import Component, Data, Split
from workbench.document.training import SGD, Unfreezing
from workbench.plugin_api.layer import is_in
from workbench.plugin_api.tensors import TensorType
from workbench.runs import events as ev
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.pretrained.importing import Wish, take
from workbench.worker.start import first_weights

SIZE = TensorType((160, 160, 3))


@pytest.fixture(scope="module")
def blocks(catalog, tmp_path_factory):
    """Import networks as blocks; their bodies are frozen."""
    known = {}

    def frozen(name):
        if name not in known:
            wish = Wish(source=name, form="block", folder=tmp_path_factory.mktemp("kept"))
            value = take(wish, catalog).experiment
            known[name] = freeze_body(value, network_of(value, catalog))
        return known[name]

    return frozen


def network_of(value, catalog):
    return resolve(value.graph, catalog, SIZE).network


@pytest.mark.parametrize(
    ("name", "last"), [("timm:test_vit", "blocks."), ("timm:test_resnet", "layer4.")]
)
def test_no_stage_is_nearly_all_of_the_network(blocks, catalog, name, last):
    network = network_of(blocks(name), catalog)
    block = network.nodes[1]
    stages = parts(network, Unfreezing(stages=3))
    sizes = [
        sum(
            spec.size
            for weight, spec in block.weights.items()
            if spec.trainable
            for item in stage
            if weight == item.path or weight.startswith(f"{item.path}.")
        )
        for stage in stages
    ]
    assert len(stages) == 3
    assert sum(sizes) == block.parameters
    assert max(sizes) < 0.9 * block.parameters
    assert any(item.path.startswith(last) for item in stages[0])
    named = {part.path for part in block.layer.inner()} | {*block.weights}
    assert {item.path for item in held(network, 3)} <= named
    trained = [thawed(network, Unfreezing(stages=3), n).trained_parameters for n in range(4)]
    assert trained == sorted(set(trained))
    assert trained[-1] == network.parameters


def small_pictures(folder):
    random = np.random.default_rng(3)
    for label in ("bright", "dark"):
        for part, count in (("train", 4), ("val", 1)):
            place = folder / part / label
            place.mkdir(parents=True)
            for number in range(count):
                noise = random.integers(0, 100, (20, 20, 3)) + 120 * (label == "bright")
                Image.fromarray(noise.astype(np.uint8)).save(place / f"{number}.png")
    return folder


def test_a_block_thaws_from_its_end_while_it_trains(blocks, catalog, tmp_path, train):
    value = blocks("timm:test_vit")
    value = swap_head(value, network_of(value, catalog), 2)
    settings = {"epochs": 3, "batch_size": 4, "device": "cpu", "threads": 1}
    value = set_training(
        value, **settings, optimizer=SGD(learning_rate=0.1), unfreezing=Unfreezing(stages=3)
    )
    sizes = {"height": 160, "width": 160, "channels": "rgb", "scaling": "minus_one_one"}
    data = Data(
        source=Component("image_folder", {"folder": str(small_pictures(tmp_path / "pictures"))}),
        split=Split(validation=0.0, test=0.0),
        preprocessing=Component("image", sizes),
    )
    value = msgspec.structs.replace(value, data=data, start=None)
    folder = runs.run_folder(value, tmp_path / "runs")
    assert train(folder) == 0, runs.only(folder, ev.Failed)

    network = network_of(value, catalog)
    before, _ = first_weights(network, value, folder)
    after = Checkpoints(folder.checkpoints).find("last").weights
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert changed <= set(thawed(network, value.training.unfreezing, 2).changing)
    # A weight of one is so large that it may swallow a tiny step; a whole module is not.
    for item in chain(*parts(network, value.training.unfreezing)[:2]):
        assert any(is_in(name, f"{item.node}/{item.path}") for name in changed), item
    told = [note.message for note in runs.only(folder, ev.Noted)]
    assert [words[:8] for words in told if "thaw" in words] == ["Epoch 2:", "Epoch 3:"]
    assert "blocks." in next(words for words in told if words.startswith("Epoch 2:"))


def test_a_block_is_kept_once_all_of_it_is_frozen_and_else_that_is_told(blocks, catalog):
    whole = blocks("timm:test_resnet")
    block, head = (node.id for node in network_of(whole, catalog).nodes[1:3])
    open_again = unfreeze_inside(whole, network_of(whole, catalog), block, "layer4")
    network = network_of(open_again, catalog)
    assert {name.partition(".")[0] for name in network[block].trained} == {"layer4"}
    told = caching(open_again, network, catalog).in_words()
    assert f"inside {block} run in every step" in told

    closed = freeze_inside(open_again, network, block, "layer4")
    network = network_of(closed, catalog)
    assert network[block].is_frozen
    assert catalog.backend("torch").generate(network)
    found = caching(closed, network, catalog)
    assert found.parting is not None
    assert not found.reason
    assert head in {node.id for node in found.parting.head.nodes}
    assert freeze_inside(whole, network_of(whole, catalog), block, "layer1") == whole
