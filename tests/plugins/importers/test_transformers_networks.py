"""Networks of transformers come in with their tokeniser, and padding never changes an answer."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch  # noqa: TID253
import transformers  # noqa: TID253
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests.plugins.networks import compiled
from tests.plugins.parity import random_weights
from workbench.analysis.adapting import EVERY
from workbench.analysis.problems import check
from workbench.analysis.shapes import resolve
from workbench.document.edits import set_data, set_training, without_adapters
from workbench.document.experiment import Component, Experiment, Split
from workbench.document.graph import LoRA
from workbench.errors import UserError
from workbench.plugin_api.adapters import merged, plain
from workbench.plugin_api.importer import NotCoveredError
from workbench.runs.control import create_run
from workbench.worker.export import export_run
from workbench.worker.initial import initial_weights
from workbench.worker.preparation import prepare
from workbench.worker.pretrained.checking import predictor
from workbench.worker.pretrained.importing import Wish, take
from workbench.worker.train import train
from workbench.worker.trained import open_trained
from workbench.worker.weights.applying import load_adapters

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "bad", "film", "the", "is", "not", "##s"]


def tokeniser() -> Tokenizer:
    made = Tokenizer(models.WordPiece(dict(zip(WORDS, range(50), strict=False)), unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_padding(length=8)
    made.enable_truncation(8)
    return made


def written(folder, kind=transformers.BertModel, *, weights=True, **settings):
    """Write a small network as transformers saves one."""
    torch.manual_seed(0)
    config = kind.config_class(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=40,
        **settings,
    )
    module = kind(config).eval()
    if weights:
        module.save_pretrained(folder)
    else:
        config.architectures = [kind.__name__]
        config.save_pretrained(folder)
    tokeniser().save(str(folder / "tokenizer.json"))
    return module


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "little-bert"
    found.mkdir()
    return found


@pytest.fixture
def texts():
    return set_data(
        Experiment(), source=Component("film_sentences"), preprocessing=Component("text")
    )


def test_an_encoder_comes_in_with_its_pooling_and_gets_a_head(folder, texts, catalog, tmp_path):
    module = written(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    wish = Wish(source=str(folder), classes=2, base=texts, folder=tmp_path / "weights")
    taken = take(wish, catalog)
    graph = taken.experiment.graph
    kinds = {node.id: node.type for node in graph.nodes}
    assert set(kinds.values()) == {"Input", "Pretrained", "GlobalAveragePool", "Dense", "Output"}
    assert taken.report.difference <= 1e-6
    assert taken.report.skipped == (
        "2 weights without a part in the outputs, such as pooler.dense.bias",
    )
    tokens = np.array([[2, 8, 7, 9, 5, 3]])
    run = predictor(taken.network, taken.imported, catalog)
    with torch.no_grad():
        given = torch.from_numpy(tokens)
        wanted = module(given, attention_mask=torch.ones_like(given)).last_hidden_state.mean(1)
    np.testing.assert_allclose(run(tokens), wanted.numpy(), atol=1e-6)


def test_padding_to_any_length_changes_nothing(folder, texts, catalog, tmp_path):
    written(folder)
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    run = predictor(taken.network, taken.imported, catalog)
    short, long = np.array([[2, 5, 7, 3]]), np.array([[2, 5, 7, 3, 9, 9, 9]])
    model = run.__self__
    whole = model.predict(short)
    padded = model.predict(long, np.array([4]))
    np.testing.assert_allclose(padded[:, :4], whole, atol=1e-6)


def test_its_own_tokeniser_prepares_the_texts(folder, texts, catalog, tmp_path):
    written(folder)
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    (folder / "tokenizer.json").unlink()  # what was imported is kept
    prepared = prepare(taken.experiment, catalog)
    preparation = prepared.preprocessing
    raw = preparation.read_text("The film is good")
    assert preparation.scale(raw, prepared.fitted).tolist() == [2, 8, 7, 9, 5, 3]
    words = preparation.words(raw, prepared.fitted)
    assert [word.text for word in words] == ["", "The", "film", "is", "good", ""]
    assert prepared.info.vocabulary == len(WORDS)


def test_a_text_that_is_cut_keeps_the_tokens_that_end_it(folder, texts, catalog, tmp_path):
    written(folder)
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    params = {**taken.experiment.data.preprocessing.params, "longest": 4}
    shorter = set_data(taken.experiment, preprocessing=Component("text", params))
    prepared = prepare(shorter, catalog)
    raw = prepared.preprocessing.read_text("the film is not good")
    assert prepared.preprocessing.scale(raw, prepared.fitted).tolist() == [2, 8, 7, 3]
    params |= {"longest": 8, "length": 8}
    filled = prepare(set_data(taken.experiment, preprocessing=Component("text", params)), catalog)
    raw = filled.preprocessing.read_text("bad")
    assert filled.preprocessing.scale(raw, filled.fitted).tolist() == [2, 6, 3, 0, 0, 0, 0, 0]


def test_another_tokeniser_than_its_own_is_a_problem(folder, texts, catalog, tmp_path):
    written(folder)
    taken = take(
        Wish(source=str(folder), classes=2, base=texts, folder=tmp_path / "weights"), catalog
    )
    other = set_data(taken.experiment, preprocessing=Component("text"))
    report = check(other, catalog, prepare(other, catalog).info)
    assert any("a tokeniser of its own, of 12 tokens" in each.message for each in report.errors)


def test_texts_longer_than_its_positions_are_a_problem(folder, texts, catalog, tmp_path):
    written(folder)
    taken = take(
        Wish(source=str(folder), classes=2, base=texts, folder=tmp_path / "weights"), catalog
    )
    assert taken.experiment.data.preprocessing.params["longest"] == 40
    params = {**taken.experiment.data.preprocessing.params, "longest": 60}
    longer = set_data(taken.experiment, preprocessing=Component("text", params))
    report = check(longer, catalog, prepare(longer, catalog).info)
    assert any("takes 40 at most" in each.message for each in report.errors)


def test_a_classifier_keeps_its_head_and_the_names_of_its_classes(folder, texts, catalog, tmp_path):
    written(
        folder,
        transformers.BertForSequenceClassification,
        id2label={0: "bad", 1: "good", 2: "so-so"},
        label2id={"bad": 0, "good": 1, "so-so": 2},
    )
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    assert taken.imported.classes == ("bad", "good", "so-so")
    assert taken.experiment.graph["classifier"].params["units"] == 3
    assert taken.report.difference <= 1e-6


def test_positions_that_count_from_the_padding_are_known(folder, texts, catalog, tmp_path):
    written(folder, transformers.RobertaModel, pad_token_id=1)
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    block = next(node for node in taken.network.nodes if node.layer.id == "Pretrained")
    assert block.layer.most_steps == 38
    assert block.layer.padding == 1


def test_a_folder_without_weights_gives_random_ones(folder, texts, catalog, tmp_path):
    written(folder, weights=False)
    taken = take(Wish(source=str(folder), base=texts, folder=tmp_path / "weights"), catalog)
    assert "random weights" in taken.report.origin
    assert taken.report.matched == 0


def test_data_of_another_kind_are_told_of(folder, catalog, tmp_path):
    written(folder)
    taken = take(Wish(source=str(folder), folder=tmp_path / "weights"), catalog)
    assert taken.experiment.data.preprocessing.type == "image"
    assert "The data are pictures, but this network takes texts" in taken.report.warnings[0]
    assert not taken.report.preparation


def test_a_trained_encoder_is_exported_for_texts_of_any_length(folder, texts, catalog, tmp_path):
    written(folder)
    lora = LoRA(rank=2)
    wish = Wish(source=str(folder), classes=2, lora=lora, base=texts, folder=tmp_path / "weights")
    taken = take(wish, catalog)
    nodes = taken.experiment.graph.nodes
    assert len({node.position for node in nodes}) == len(nodes)
    assert taken.report.adapters.startswith("LoRA adapters of rank 2 change 4 matrices of ")
    experiment = set_training(taken.experiment, epochs=1, batch_size=64, threads=1)
    experiment = set_data(experiment, split=Split(validation=0.01, test=0.97))
    run = create_run(experiment, tmp_path / "runs")
    assert train(run.path, catalog) == 0
    assert (run.path / "checkpoints").is_dir()
    wanted = [(name, tmp_path / f"net-{name}") for name in ("onnx", "python", "adapters", "peft")]
    for file in export_run(run, wanted, catalog).files:
        assert file.max_difference is not None, file.format
        assert file.max_difference <= 1e-5, file.format
    trained = open_trained(run, catalog)
    check_adapters_come_back(experiment, trained, tmp_path)


def check_adapters_come_back(experiment, trained, tmp_path):
    """Both files of adapters alone, on the network as it was imported, give what was trained."""
    bare, network = without_adapters(experiment), plain(trained.network)
    config = json.loads((tmp_path / "net-peft" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["fan_in_fan_out"]) == (2, 16.0, False)
    assert "encoder.layer.0.attention.self.query" in config["target_modules"]
    for name in ("net-adapters.lora.safetensors", "net-peft"):
        again, report = load_adapters(tmp_path / name, bare, network, tmp_path)
        assert again.graph == experiment.graph
        assert report.left == report.others == ()
        started = load_file(again.start.file)
        missing = {"head/kernel", "head/bias"} if name == "net-peft" else set()
        assert trained.weights.keys() - started.keys() == missing
        for ours, array in started.items():
            assert array.tobytes() == trained.weights[ours].tobytes(), ours


def test_layers_of_gpt2_are_adapted_as_linear_ones_are(folder, texts, catalog, tmp_path):
    """Its Conv1D has weights of inputs × outputs."""
    original = written(folder, transformers.GPT2Model)
    lora = LoRA(rank=3, alpha=6.0, on=EVERY)
    wish = Wish(source=str(folder), classes=2, lora=lora, base=texts, folder=tmp_path / "weights")
    taken = take(wish, catalog)
    kind = taken.network.inputs[0].output
    network = resolve(taken.experiment.graph, catalog, kind).network
    body = network[next(iter(taken.imported.weights)).partition("/")[0]]
    assert len(body.adapters) == 8  # of two blocks: c_attn, c_proj, c_fc, c_proj
    up = body.weights["h.0.mlp.c_fc.weight"].shape
    assert up == (16, 64)
    assert body.weights["h.0.mlp.c_fc.weight_lora_a"].shape == (16, 3)
    assert body.weights["h.0.mlp.c_fc.weight_lora_b"].shape == (3, 64)

    weights = initial_weights(network, 5) | taken.imported.weights
    adapted = compiled(network, weights)
    given = torch.tensor([[5, 7, 4, 9], [8, 5, 6, 0]]), torch.tensor([4, 3])
    real = (given[0] != 0).long()
    with torch.no_grad():
        before = original(given[0], attention_mask=real).last_hidden_state
        found = adapted.module.gpt2model(given[0], attention_mask=real)
    assert (found == before).all()
    adapted.module(*given).square().sum().backward()
    learning = {n for n, p in adapted.module.named_parameters() if p.grad is not None}
    assert learning == {
        *(dotted for name, (dotted, _) in adapted.names().items() if "_lora_" in name),
        "head.weight",
        "head.bias",
    }
    weights |= random_weights(network, 6) | taken.imported.weights
    changed = compiled(network, weights).module(*given).detach()
    alone = merged(network, weights)
    np.testing.assert_allclose(
        compiled(plain(network), alone).module(*given).detach(), changed, atol=1e-5
    )
    name = f"{body.id}/h.0.mlp.c_fc.weight"
    product = 2 * weights[f"{name}_lora_a"] @ weights[f"{name}_lora_b"]
    np.testing.assert_allclose(alone[name] - weights[name], product, atol=1e-5)


def test_what_cannot_be_imported_is_said_in_words(folder, texts, catalog, tmp_path):
    wish = Wish(source=str(folder), base=texts, folder=tmp_path / "weights")
    config = {"model_type": "someones", "auto_map": {"AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="code of its own"):
        take(wish, catalog)
    (folder / "config.json").write_text(json.dumps({"model_type": "t5", "d_model": 8}))
    with pytest.raises(NotCoveredError, match="an encoder with a decoder"):
        take(wish, catalog)
    written(folder)
    (folder / "model.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(UserError, match="cannot be loaded"):
        take(wish, catalog)


def test_a_name_without_a_network_is_refused_at_once(texts, catalog, tmp_path, monkeypatch):
    def unknown(*address):
        raise OSError("no such host")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    wish = Wish(source="transformers:somebody/something", base=texts, folder=tmp_path)
    with pytest.raises(UserError, match="is not on this computer, and could not be downloaded"):
        take(wish, catalog)


def test_a_well_known_network_comes_with_random_weights(texts, catalog, tmp_path):
    source = "transformers:google/electra-small-discriminator"
    taken = take(Wish(source=source, base=texts, folder=tmp_path), catalog)
    assert taken.network.parameters == 13_483_008
    assert "with random weights" in taken.report.origin
