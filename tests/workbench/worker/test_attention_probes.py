"""Snapshots of a training run hold what heads attend to, as the checkpoint's weights say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.workbench import inspected
from workbench.runs.commands import Watch
from workbench.runs.control import create_run, send
from workbench.runs.probes import AttentionMaps, quantise_shares, read_snapshot
from workbench.worker.train import train
from workbench.worker.trained import open_trained


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts", 16)


def last_snapshot(folder):
    return read_snapshot(sorted(folder.probes.iterdir())[-1])


def test_the_last_snapshot_shows_the_real_attention_of_the_pinned_text(catalog, texts, tmp_path):
    folder = create_run(inspected.transformer(texts), tmp_path)
    send(folder, Watch(sample=2, layers=("block1",), attention=("block1",)))
    assert train(folder.path, catalog) == 0
    snapshot = last_snapshot(folder)
    trained = open_trained(folder, catalog, "last")
    text = (texts / snapshot.title).read_text()

    assert list(snapshot.names) == text.split()
    heads = snapshot.attention["block1"]
    steps = len(snapshot.names)
    assert heads.maps.shape == (2, steps, steps)
    assert heads.steps == (steps, steps)
    shares = heads.shares()
    np.testing.assert_allclose(shares.sum(-1), 1, atol=0.02)
    inputs = trained.preprocessing.scale(np.array(text), trained.fitted)
    rows = trained.model.probe(inputs[None], ("words1",), np.array([steps]))["words1"][0]
    weights = {k.partition("/")[2]: v for k, v in trained.weights.items() if "block1/" in k}
    exact = trained.network["block1"].layer.attention([rows], weights, [None], 999)[""]
    np.testing.assert_allclose(shares, exact, atol=1.01 * exact.max() / 254 / 2)
    assert "block1/attention_query_kernel" in snapshot.histograms


def test_attention_is_recorded_before_anybody_looks(catalog, texts, tmp_path):
    folder = inspected.trained(inspected.transformer(texts), tmp_path, catalog)

    first = read_snapshot(min(folder.probes.iterdir()))

    assert set(first.attention) == {"block1"}
    assert "block1" not in first.layers


def test_series_come_with_their_signal(catalog, tmp_path):
    folder = inspected.trained(inspected.motions(), tmp_path, catalog)

    snapshot = last_snapshot(folder)

    assert snapshot.signal.shape == (100, 6)
    assert snapshot.names == ()
    assert not snapshot.attention


def test_what_may_not_be_seen_stays_apart_from_what_is_not_seen():
    shares = np.array([[[1.0, np.nan, np.nan], [0.0, 1.0, np.nan], [0.2, 0.3, 0.5]]])

    packed = quantise_shares(shares, (9, 9))

    assert isinstance(packed, AttentionMaps)
    assert packed.steps == (9, 9)
    np.testing.assert_array_equal(packed.maps[0] == 0, np.isnan(shares[0]))
    np.testing.assert_allclose(packed.shares(), shares, atol=0.002)
