"""ONNX encoders of texts come in with their tokeniser; padding never changes an answer."""

from __future__ import annotations

import csv
import warnings

import numpy as np
import onnx  # noqa: TID253
import onnxruntime  # noqa: TID253
import pytest
import torch  # noqa: TID253
import transformers  # noqa: TID253
from onnx import TensorProto, helper, numpy_helper  # noqa: TID253
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests.workbench.worker.digits_runs import events
from workbench.analysis.problems import check
from workbench.catalog import Catalog
from workbench.cli import main
from workbench.document.edits import set_data, set_training
from workbench.document.experiment import Component, Experiment, Split
from workbench.document.files import load
from workbench.document.training import Adam
from workbench.plugin_api.importer import NotCoveredError
from workbench.runs.control import create_run
from workbench.runs.state import RunState
from workbench.worker.export import export_run
from workbench.worker.preparation import prepare
from workbench.worker.pretrained.checking import predictor
from workbench.worker.pretrained.importing import Wish, take
from workbench.worker.train import train

CATALOG = Catalog.load()
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "good", "bad", "film", "the", "is", "not", "##s"]
SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
}
DISTIL = {
    "vocab_size": 50,
    "dim": 16,
    "n_layers": 1,
    "n_heads": 2,
    "hidden_dim": 24,
    "max_position_embeddings": 40,
}
KINDS = {
    "bert": (transformers.BertModel, SIZES, 14, False),
    "distilbert": (transformers.DistilBertModel, DISTIL, 18, True),
    "roberta": (transformers.RobertaModel, SIZES | {"pad_token_id": 1}, 18, False),
    "gpt2": (
        transformers.GPT2LMHeadModel,
        {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 40},
        17,
        False,
    ),
    "mpnet": (transformers.MPNetModel, SIZES, 14, False),
}
NAMES = ("input_ids", "attention_mask", "token_type_ids")


class Holder(torch.nn.Module):
    """Gives plain tensors, and takes its inputs in order."""

    def __init__(self, module, names, result):
        super().__init__()
        self.model, self.names, self.result = module, names, result

    def forward(self, *given):
        found = self.model(**dict(zip(self.names, given, strict=True)))
        return tuple(found[name] for name in self.result)


def exported(module, path, *, names=NAMES[:2], result=("last_hidden_state",), opset=14, new=False):
    """Write a network as PyTorch's exporters do, with any number of texts of any length."""
    torch.manual_seed(0)
    for value in module.parameters():
        value.data += 0.3 * torch.randn(value.shape)
    tokens = torch.randint(5, 50, (2, 7))
    values = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    given = tuple(values.get(name, torch.zeros_like(tokens)) for name in names)
    axes = {name: {0: "batch", 1: "sequence"} for name in (*names, *result)}
    options = {"dynamo": False, "dynamic_axes": axes}
    if new:
        sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=39)}
        shapes = (tuple(sizes for _ in names),)
        options = {"dynamo": True, "dynamic_shapes": shapes, "verbose": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Holder(module, names, result).eval(),
            given,
            path,
            opset_version=opset,
            input_names=list(names),
            output_names=list(result),
            **options,
        )
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the files of encoders of several kinds, each in a folder of its own."""
    found = {}
    for name, (kind, settings, opset, new) in KINDS.items():
        torch.manual_seed(0)
        module = kind(kind.config_class(**settings)).eval()
        folder = tmp_path_factory.mktemp(name) / f"little-{name}"
        (folder / "onnx").mkdir(parents=True)
        result = ("logits",) if name == "gpt2" else ("last_hidden_state",)
        module.config.use_cache = False
        names = NAMES if name == "bert" else NAMES[:2]
        path = folder / "onnx" / "model.onnx"
        found[name] = exported(module, path, names=names, result=result, opset=opset, new=new)
    return found


@pytest.fixture
def texts():
    return set_data(
        Experiment(), source=Component("film_sentences"), preprocessing=Component("text")
    )


def took(path, base, folder, **wish):
    return take(Wish(source=str(path), base=base, folder=folder / "kept", **wish), CATALOG)


def kinds(taken):
    return [node.layer.id for node in taken.network.nodes]


@pytest.mark.parametrize("form", ["auto", "block"])
@pytest.mark.parametrize("kind", KINDS)
def test_padded_texts_are_answered_as_the_file_answers_them(kind, form, files, texts, tmp_path):
    taken = took(files[kind], texts, tmp_path, form=form)
    assert taken.report.difference <= 1e-5
    is_block = form == "block" or kind == "mpnet"  # positions relative to each other
    assert ("OnnxNetwork" in kinds(taken)) is is_block
    if not is_block:
        assert {"Embedding", "LearnedPositions", "MultiHeadAttention"} <= set(kinds(taken))
        assert "MatMul" not in kinds(taken)
        (places,) = (n for n in taken.network.nodes if n.layer.id == "LearnedPositions")
        assert places.layer.positions == (38 if kind == "roberta" else 40)
    padding = 1 if kind in ("roberta", "mpnet") else 0
    tokens = np.array([[5, 9, 8, 7, 6], [4, 8, 3, 2, 2]])
    given = tokens.copy()
    given[1, 3:] = padding
    mask = (np.arange(5) < [[5], [3]]).astype(np.int64)
    session = onnxruntime.InferenceSession(str(files[kind]))
    feed = dict(zip(NAMES, (given, mask, np.zeros_like(mask)), strict=True))
    named = {each.name for each in session.get_inputs()}
    (wanted,) = session.run(None, {key: value for key, value in feed.items() if key in named})
    model = predictor(taken.network, taken.imported, CATALOG).__self__
    found = model.predict(tokens, np.array([5, 3]))
    size = np.abs(wanted).max()
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-5 * size)
    np.testing.assert_allclose(found[1, :3], wanted[1, :3], atol=1e-5 * size)


def in_eight_bits(source, path):
    """Keep the embeddings in eight bits, and give the tokens back beside the vectors."""
    model = onnx.load(source)
    graph = model.graph
    (rows,) = (each for each in graph.initializer if each.name.endswith("word_embeddings.weight"))
    values = numpy_helper.to_array(rows)
    scale = np.abs(values).max(1, keepdims=True) / 127
    node = helper.make_node
    nodes = [
        node("Cast", ["rows"], ["wide"], to=TensorProto.FLOAT),
        node("Mul", ["wide", "scale"], [rows.name]),
        node("Identity", ["input_ids"], ["tokens"]),
        *graph.node,
    ]
    graph.initializer.remove(rows)
    for name, array in (("rows", np.round(values / scale).astype(np.int8)), ("scale", scale)):
        graph.initializer.append(numpy_helper.from_array(array, name))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.output.insert(0, helper.make_tensor_value_info("tokens", TensorProto.INT64, ["b", "s"]))
    graph.output[1].name = "vectors"
    for each in graph.node:
        each.output[:] = [
            "vectors" if name == "last_hidden_state" else name for name in each.output
        ]
    onnx.save(model, path)
    return path


def test_weights_of_eight_bits_are_unpacked(files, texts, tmp_path):
    taken = took(in_eight_bits(files["bert"], tmp_path / "net.onnx"), texts, tmp_path)
    assert "OnnxNetwork" not in kinds(taken)
    assert taken.report.difference <= 1e-5
    assert "Weights of eight bits are float32 now." in taken.report.changed
    assert "tokens" in " ".join(taken.report.skipped)


def word_pieces():
    made = Tokenizer(models.WordPiece(dict(zip(WORDS, range(50), strict=False)), unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_padding(length=8)
    return made


@pytest.mark.parametrize("kind", ["tokenizer.json", "vocab.txt", "named"])
def test_the_tokeniser_lies_beside_the_file_or_is_named(kind, files, texts, tmp_path):
    folder = tmp_path / "little-bert"
    (folder / "onnx").mkdir(parents=True)
    path = folder / "onnx" / "model.onnx"
    path.write_bytes(files["bert"].read_bytes())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    (folder / "config.json").write_text('{"model_type": "bert"}')
    named = tmp_path / "words"
    named.mkdir()
    place = named if kind == "named" else folder
    if kind == "vocab.txt":
        (place / "vocab.txt").write_text("\n".join(WORDS))
    else:
        word_pieces().save(str(place / "tokenizer.json"))
    source = folder if kind == "vocab.txt" else path
    taken = took(source, texts, tmp_path, tokeniser=named if kind == "named" else None)
    assert taken.experiment.name == "little-bert"
    assert kinds(taken)[-2:] == ["PickToken", "Output"]
    prepared = prepare(taken.experiment, CATALOG)
    raw = prepared.preprocessing.read_text("The FILM is good films")
    assert prepared.preprocessing.scale(raw, prepared.fitted).tolist() == [2, 8, 7, 9, 5, 7, 11, 3]
    assert prepared.info.vocabulary == 50


def test_without_a_tokeniser_the_report_says_what_to_do(files, texts, tmp_path):
    taken = took(files["bert"], texts, tmp_path)
    (line,) = (line for line in taken.report.changed if "No tokeniser lies beside" in line)
    assert "--tokenizer" in line
    assert "tokenizer.json" in line


@pytest.mark.parametrize("is_quantised", [False, True])
def test_a_new_head_learns_texts_of_a_table(is_quantised, files, tmp_path, capsys):
    from onnxruntime.quantization import quantize_dynamic

    path = tmp_path / "net.onnx"
    path.write_bytes(files["bert"].read_bytes())
    if is_quantised:
        quantize_dynamic(str(files["bert"]), str(path))
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    target = tmp_path / "x.workbench.json"
    assert main(["import", str(path), "--classes", "2", "-o", str(target)]) == 0
    said = capsys.readouterr().out
    assert "its own tokeniser, cut after 40 tokens" in said
    assert ("Kept as one block" in said) is is_quantised
    rows = [("the film is good", "yes"), ("the film is not a good film", "no")] * 60
    with (tmp_path / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    experiment = load(target)
    source = Component("text_table", {"file": str(tmp_path / "texts.csv")})
    experiment = set_data(experiment, source=source)
    experiment = set_training(experiment, epochs=8, optimizer=Adam(learning_rate=0.02), threads=1)
    assert not check(experiment, CATALOG, prepare(experiment, CATALOG).info).errors
    run = create_run(experiment, tmp_path / "runs")
    assert train(run.path, CATALOG) == 0
    state = RunState()
    for event in events(run):
        state.apply(event)
    assert state.metrics["test/accuracy"] == 1.0
    if is_quantised:
        report = export_run(run, [("onnx", tmp_path / "whole")], CATALOG, keep_going=True)
        assert "a fixed number of samples" in report.failed[0].message


def test_a_block_of_texts_goes_into_an_onnx_file(files, texts, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(files["mpnet"].read_bytes())
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS))
    experiment = took(path, texts, tmp_path, classes=2).experiment
    experiment = set_data(experiment, split=Split(validation=0.01, test=0.97))
    run = create_run(set_training(experiment, epochs=1, threads=1), tmp_path / "runs")
    assert train(run.path, CATALOG) == 0
    report = export_run(run, [("onnx", tmp_path / "whole")], CATALOG)
    assert not report.failed
    (file,) = report.files
    assert file.max_difference <= 1e-5


def test_decoders_with_a_past_are_refused_with_the_next_step(tmp_path, texts):
    past = helper.make_tensor_value_info(
        "past_key_values.0.key", TensorProto.FLOAT, ["b", 2, "p", 4]
    )
    tokens = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "s"])
    given = helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)
    table = numpy_helper.from_array(np.ones((9, 4), np.float32), "table")
    node = helper.make_node("Gather", ["table", "input_ids"], ["logits"])
    graph = helper.make_graph([node], "g", [tokens, past], [given], [table])
    onnx.save(helper.make_model(graph, ir_version=8), tmp_path / "net.onnx")
    with pytest.raises(NotCoveredError, match=r"earlier tokens \(past_key_values") as caught:
        took(tmp_path / "net.onnx", texts, tmp_path)
    assert "use_cache=False" in caught.value.hint


def test_a_file_without_a_mask_reads_each_text_without_padding(texts, tmp_path):
    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rows = torch.nn.Embedding(50, 6)
            self.head = torch.nn.Linear(6, 3)

        def forward(self, input_ids):
            return {"out": self.head(self.rows(input_ids).cumsum(1).mean(1))}

    path = exported(Counting(), tmp_path / "net.onnx", names=NAMES[:1], result=("out",))
    taken = took(path, texts, tmp_path)
    assert kinds(taken) == ["Input", "OnnxNetwork", "Dense", "Output"]
    model = predictor(taken.network, taken.imported, CATALOG).__self__
    tokens = np.array([[5, 9, 8, 7, 6], [4, 8, 3, 0, 0], [7, 7, 7, 7, 7]])
    found = model.predict(tokens, np.array([5, 3, 5]))
    session = onnxruntime.InferenceSession(path.read_bytes())
    for row, length in enumerate((5, 3, 5)):
        (wanted,) = session.run(None, {"input_ids": tokens[row : row + 1, :length]})
        np.testing.assert_allclose(found[row], wanted[0], rtol=1e-5, atol=1e-5)
