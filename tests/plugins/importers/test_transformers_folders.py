"""Folders of transformers as strangers have them: other heads, other weights, other inputs."""

from __future__ import annotations

import pytest
import torch  # noqa: TID253
import transformers  # noqa: TID253

from workbench.errors import UserError
from workbench.plugin_api.importer import NotCoveredError
from workbench.worker.pretrained.importing import Wish, take

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
BERT = transformers.BertConfig(vocab_size=30, **SIZES)
PICTURES = {**SIZES, "image_size": 16, "patch_size": 8}


def saved(folder, module, **options):
    torch.manual_seed(0)
    module.eval().save_pretrained(folder, **options)
    return folder


def took(folder, catalog, tmp_path):
    return take(Wish(source=str(folder), folder=tmp_path / "kept"), catalog)


@pytest.mark.parametrize(
    ("module", "left"),
    [
        (lambda: transformers.BertForMaskedLM(BERT), "such as cls.predictions.bias"),
        (lambda: transformers.BertForTokenClassification(BERT), "such as classifier.bias"),
        (
            lambda: transformers.GPT2LMHeadModel(
                transformers.GPT2Config(vocab_size=30, n_embd=16, n_layer=1, n_head=2)
            ),
            "",
        ),
    ],
)
def test_of_other_tasks_the_body_is_taken(module, left, catalog, tmp_path, capfd):
    taken = took(saved(tmp_path / "net", module()), catalog, tmp_path)
    assert taken.network.outputs[0].output.shape == (None, 16)
    assert left in " ".join(taken.report.lines())
    assert taken.report.matched
    assert "UNEXPECTED" not in "".join(capfd.readouterr())


def test_weights_in_several_files_and_in_half_precision(catalog, tmp_path):
    module = transformers.BertForSequenceClassification(BERT).half()
    folder = saved(tmp_path / "net", module, max_shard_size="4KB")
    assert (folder / "model.safetensors.index.json").is_file()
    taken = took(folder, catalog, tmp_path)
    weight = module.bert.encoder.layer[1].output.dense.weight.detach().float().numpy()
    kept = {name.partition("/")[2]: value for name, value in taken.imported.weights.items()}
    assert (kept["bert.encoder.layer.1.output.dense.weight"] == weight).all()


def test_weights_of_another_network_beside_a_configuration_are_told(catalog, tmp_path):
    folder = saved(tmp_path / "net", transformers.BertModel(BERT))
    other = saved(tmp_path / "other", transformers.ViTModel(transformers.ViTConfig(**PICTURES)))
    (other / "model.safetensors").replace(folder / "model.safetensors")
    with pytest.raises(UserError, match=r"beside config\.json are of another network"):
        took(folder, catalog, tmp_path)


def test_some_weights_that_are_not_there_are_told(catalog, tmp_path):
    module = transformers.BertModel(BERT)
    weights = {k: v for k, v in module.state_dict().items() if "layer.1.output" not in k}
    folder = saved(tmp_path / "net", module, state_dict=weights)
    taken = took(folder, catalog, tmp_path)
    assert "4 of its weights were not in the file" in " ".join(taken.report.lines())


def test_what_takes_texts_and_pictures_at_once_is_refused(catalog, tmp_path):
    config = transformers.CLIPConfig(
        text_config={"vocab_size": 30, **SIZES}, vision_config=PICTURES, projection_dim=8
    )
    folder = saved(tmp_path / "net", transformers.CLIPModel(config))
    with pytest.raises(NotCoveredError, match="takes texts and pictures") as refusal:
        took(folder, catalog, tmp_path)
    assert "CLIPVisionModel" in refusal.value.hint


def test_what_cannot_be_run_as_it_is_called_here_is_refused_in_a_sentence(catalog, tmp_path):
    config = transformers.XLNetConfig(vocab_size=30, d_model=16, n_layer=1, n_head=2, d_inner=24)
    folder = saved(tmp_path / "net", transformers.XLNetModel(config))
    with pytest.raises(NotCoveredError, match="It cannot be run here: "):
        took(folder, catalog, tmp_path)
