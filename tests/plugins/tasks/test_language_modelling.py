"""Language modelling: its numbers, its opponent, and what it asks of data and network."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from plugins.preprocessing.text_stream import TextStream
from plugins.sources._texts import TextSamples
from plugins.tasks._ngrams import KneserNey, _discounts
from workbench.analysis.problems import check
from workbench.document.experiment import Component, Experiment
from workbench.document.graph import Graph, Node
from workbench.plugin_api.backend import Batch
from workbench.plugin_api.data import IGNORED, DataInfo
from workbench.plugin_api.task import Context
from workbench.plugin_api.tensors import TensorType
from workbench.plugin_api.writing import Sampling, TokenWindows, continued

TOKENS = TensorType((8,), ("time",), "int64")
INFO = DataInfo(input=TOKENS, kind="texts", vocabulary=30, target=TOKENS)
TASK = Component("language_modelling")


def network(*layers, units=30):
    nodes = [Node("input1", "Input"), Node("e", "Embedding", {"vocabulary": 30}, ("input1",))]
    for name, kind, params in (*layers, ("dense1", "Dense", {"units": units})):
        nodes.append(Node(name, kind, params, (nodes[-1].id,)))
    nodes.append(Node("output1", "Output", {}, ("dense1",)))
    return Experiment(graph=Graph(tuple(nodes)), task=TASK)


def plain_kneser_ney(train, tokens, size):
    """The same model in dictionaries, token by token."""
    three = Counter(zip(train, train[1:], train[2:], strict=False))
    two = Counter((b, c) for _, b, c in three)
    one = Counter(c for _, c in two)
    levels = []
    for counts in (one, two, three):
        discounts = _discounts(np.array(list(counts.values())))
        keyed = {key if isinstance(key, tuple) else (key,): n for key, n in counts.items()}
        totals, left = Counter(), Counter()
        for key, n in keyed.items():
            totals[key[:-1]] += n
            left[key[:-1]] += discounts[min(n, 3)]
        levels.append((keyed, discounts, totals, left))
    found = []
    for at in range(2, len(tokens)):
        share = 1 / size
        for length, (keyed, discounts, totals, left) in enumerate(levels):
            key = tuple(tokens[at - length : at + 1])
            total = totals[key[:-1]]
            if total:
                n = keyed.get(key, 0)
                share = (max(n - discounts[min(n, 3)], 0) + left[key[:-1]] * share) / total
        found.append(-np.log(share))
    return found


def test_trigrams_are_those_of_chen_and_goodman():
    rng = np.random.default_rng(0)
    stream = (rng.zipf(1.5, 3000) % 12).tolist()
    train, judged = stream[:2500], stream[2500:]
    model = KneserNey(np.array(train, np.uint16), 12)

    found = model.losses(np.array(judged, np.uint16))

    np.testing.assert_allclose(found, plain_kneser_ney(train, judged, 12), rtol=1e-9)
    contexts = np.array([[a, b, c] for a, b in [(0, 1), (5, 11)] for c in range(12)])
    shares = np.exp([-model.losses(row)[0] for row in contexts]).reshape(2, 12)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_windows_cover_every_token_once():
    stream = np.arange(23, dtype=np.uint16) + 1
    windows = TokenWindows(stream, 5, 5)
    targets = np.concatenate([windows.target(n) for n in range(len(windows))])
    np.testing.assert_array_equal(targets[targets != IGNORED], stream[1:])
    for n in range(len(windows)):
        inputs, following = windows.read(n), windows.target(n)
        known = following != IGNORED
        np.testing.assert_array_equal(inputs[known] + 1, following[known])
        assert not inputs[~known].any()
    assert len(TokenWindows(stream[:1], 5, 5)) == 0
    assert len(TokenWindows(stream, 5, 2)) == 10


def test_perplexity_and_bits_are_those_of_all_tokens(catalog):
    texts = TextSamples(["some text to learn from, and some more"], np.zeros(1, int), np.arange(1))
    preprocessing = TextStream(tokeniser="characters", vocabulary_size=30, context=8)
    fitted = preprocessing.fit(texts)
    context = Context(None, INFO, preprocessing, fitted)
    evaluator = catalog.tasks["language_modelling"]().evaluator(context)
    windows = preprocessing.arranged(texts, fitted)
    rng, size = np.random.default_rng(1), fitted["tokens"]
    logits = rng.normal(size=(len(windows), 8, size)).astype(np.float32)
    targets = np.stack([windows.target(n) for n in range(len(windows))])
    for part in (slice(0, 2), slice(2, None)):
        evaluator.update(logits[part].copy(), Batch(np.zeros((1, 8)), targets[part]))

    metrics = evaluator.compute().metrics

    shares = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(-1, keepdims=True)
    known = targets != IGNORED
    losses = -np.log(np.take_along_axis(shares, targets.clip(0)[..., None], -1)[..., 0][known])
    assert metrics["perplexity"] == pytest.approx(np.exp(losses.mean()), rel=1e-4)
    assert metrics["bits_per_character"] == pytest.approx(losses.mean() / np.log(2), rel=1e-4)
    assert metrics["accuracy"] == (logits.argmax(-1) == targets)[known].mean()
    assert evaluator.results()["window_loss"].shape == (len(windows),)


def test_good_networks_have_no_problems(catalog):
    for layers in (
        [("block1", "TransformerDecoder", {"heads": 2})],
        [("lstm1", "LSTM", {"units": 8, "sequences": True})],
        [("conv1", "Conv1D", {"filters": 8, "kernel_size": 3, "padding": "causal"})],
    ):
        assert check(network(*layers), catalog, INFO).problems == ()


@pytest.mark.parametrize(
    ("layers", "units", "words"),
    [
        ([("x", "LSTM", {"units": 8, "direction": "both", "sequences": True})], 30, "from the end"),
        ([("x", "MultiHeadAttention", {"heads": 2})], 30, "all steps"),
        ([("x", "Conv1D", {"filters": 8, "kernel_size": 3, "padding": "same"})], 30, "both sides"),
        ([], 31, "30 tokens"),
    ],
)
def test_what_is_wrong_is_mended_by_a_click(catalog, layers, units, words):
    experiment = network(*layers, units=units)
    (problem,) = check(experiment, catalog, INFO).errors
    assert words in problem.message
    mended = problem.repair.edit(experiment)
    assert check(mended, catalog, INFO).errors == ()


def test_an_encoder_and_a_vector_are_refused_in_words(catalog):
    looks = check(network(("x", "TransformerEncoder", {"heads": 2})), catalog, INFO).errors
    flat = check(network(("x", "LSTM", {"units": 8})), catalog, INFO).errors
    assert "all steps" in looks[0].message
    assert "every step" in flat[0].message
    assert "x return all steps" in flat[0].hint


def test_other_data_offer_the_task_that_fits(catalog):
    experiment = network()
    films = DataInfo(input=TOKENS, kind="texts", vocabulary=30, classes=("bad", "good"))
    titles = [p.repair.title for p in check(experiment, catalog, films).errors if p.repair]
    assert titles == ["Use “Text that goes on”", "Switch the task to Classification"]
    classifier = Experiment(graph=experiment.graph)
    problems = check(classifier, catalog, INFO).errors
    switch = next(p for p in problems if p.repair and "Language modelling" in p.repair.title)
    assert switch.repair.edit(classifier).task == TASK


def test_sampling_keeps_to_temperature_k_and_p():
    logits = np.array([50.0, 3.0, 2.0, 1.0, -9.0])  # the first is padding
    rng = np.random.default_rng(0)

    def drawn(count=300, **settings):
        steps = continued(lambda _: logits, [1], Sampling(**settings), rng)
        return Counter(next(steps).token for _ in range(count))

    assert drawn(temperature=0) == {1: 300}
    assert drawn(temperature=5.0, top_k=2).keys() == {1, 2}
    assert drawn(temperature=1.0, top_p=0.6).keys() == {1}
    free = drawn(2000, temperature=1.0)
    assert 0 not in free
    assert free[2] / free[1] == pytest.approx(np.exp(-1), abs=0.06)
