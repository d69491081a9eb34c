"""Vectors and their projections, against NumPy, and the process that makes them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.workbench import inspected
from workbench.errors import UserError
from workbench.inspecting.network import Network, Progressed
from workbench.inspecting.projection import FindNeighbours, Neighbours, Project, Projected
from workbench.reading import Refused
from workbench.worker.projecting import neighbours, project
from workbench.worker.projector import Projector
from workbench.worker.trained import open_trained


@pytest.fixture(scope="module")
def texts(catalog, tmp_path_factory):
    folder = inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts", 24)
    return inspected.trained(
        inspected.transformer(folder), tmp_path_factory.mktemp("runs"), catalog
    )


@pytest.fixture
def said():
    return []


@pytest.fixture
def projector(catalog, said):
    return Projector(catalog, said.append)


def of(folder, **settings):
    network = Network(run=str(folder.path), checkpoint="last")
    return Project(**{"network": network, "node": "words1", "tokens": True, **settings})


def quiet(*_):
    pass


def test_tokens_lie_where_their_vectors_first_two_components_are(catalog, projector, texts):
    found = projector.answer(of(texts))
    trained = open_trained(texts, catalog, "last")
    tokens = trained.preprocessing.tokens(trained.fitted)
    table = trained.weights["words1/embeddings"][: len(tokens)].astype(np.float64)
    centred = table - table.mean(axis=0)
    _, sizes, rows = np.linalg.svd(centred, full_matrices=False)

    assert isinstance(found, Projected)
    assert found.labels == tuple(tokens)
    assert {"[PAD]", "superb", "dull"} <= set(found.labels)
    assert (found.targets, found.total) == ((), len(tokens))
    np.testing.assert_allclose(
        np.abs(found.points.unpack()), np.abs(centred @ rows[:2].T), atol=1e-4
    )
    assert found.kept == pytest.approx((sizes[:2] ** 2).sum() / (sizes**2).sum())


def test_samples_are_means_over_their_own_steps(catalog, projector, texts, said):
    found = projector.answer(of(texts, node="block1", tokens=False))
    trained = open_trained(texts, catalog, "last")
    label = found.labels[3]
    inputs = trained.preprocessing.scale(np.array(label), trained.fitted)
    alone = trained.model.probe(inputs[None], ("block1",), np.array([len(inputs)]))["block1"][0]

    assert len(found.labels) == 12
    assert found.classes == ("bad", "good")
    assert set(found.targets) == {0, 1}
    np.testing.assert_allclose(projector._vectors.values[3], alone.mean(axis=0), atol=1e-5)
    assert all(isinstance(each, Progressed) for each in said)
    assert max(each.share for each in said) == 1


def test_tsne_keeps_clusters_apart_and_tells_how_far_it_is():
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 60)) * 20
    values = np.concatenate([centre + random.normal(size=(40, 60)) for centre in centres])
    told = []

    points, kept = project(
        values.astype(np.float32), "tsne", 0, lambda share, _: told.append(share)
    )

    groups = points.reshape(3, 40, 2)
    middles = groups.mean(axis=1)
    inside = np.linalg.norm(groups - middles[:, None], axis=-1).max()
    apart = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert apart > 2 * inside
    assert kept == 0
    assert told[-1] == 1
    assert told[1:] == sorted(told[1:])
    again, _ = project(values.astype(np.float32), "tsne", 0, quiet)
    np.testing.assert_array_equal(points, again)


def test_neighbours_are_the_highest_cosines(projector, texts):
    projector.answer(of(texts))
    found = projector.answer(FindNeighbours(id=3, index=5, count=4))
    values = projector._vectors.values.astype(np.float64)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    cosines = unit @ unit[5]
    cosines[5] = -2
    expected = np.argsort(-cosines)[:4]

    assert isinstance(found, Neighbours)
    assert found.indices == tuple(expected)
    np.testing.assert_allclose(found.similarities, cosines[expected], atol=1e-5)


def test_a_vector_of_zeros_has_no_direction():
    values = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    indices, cosines = neighbours(values, 0, 5)
    assert sorted(indices) == [1, 2]
    assert cosines == (0.0, 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"node": "dense1"}, "dense1 has no table of tokens."),
        ({"node": "nothing"}, "nothing has no table of tokens."),
        ({"most": 3}, "3 vectors of 16 features cannot be projected."),
    ],
)
def test_what_cannot_be_projected_is_refused_in_words(projector, texts, settings, message):
    found = projector.answer(of(texts, **settings))
    assert isinstance(found, Refused)
    assert found.message == message


def test_neighbours_of_nothing_are_refused(projector):
    assert isinstance(projector.answer(FindNeighbours(index=0)), Refused)


def test_umap_that_is_not_installed_is_a_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(UserError, match="UMAP is not installed"):
        project(np.eye(6, dtype=np.float32), "umap", 0, quiet)
