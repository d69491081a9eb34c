"""A trained classifier of pictures is asked about its own data, and what is alike in them."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.workbench import inspected
from workbench.cli import main
from workbench.document.files import save
from workbench.inspecting.answers import Ask, Explain, Filters, ShowFilters
from workbench.inspecting.network import DataSample, GivenFile, Load, Network, Progressed
from workbench.inspecting.projection import FindSimilar, Similar
from workbench.reading import Refused
from workbench.worker.inspector import Inspector, wanted
from workbench.worker.preparation import describe
from workbench.worker.projector import Projector
from workbench.worker.trained import open_trained


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(catalog, runs):
    return inspected.trained(inspected.digits(), runs, catalog)


@pytest.fixture(scope="module")
def inspector(catalog):
    said = []
    made = Inspector(catalog, said.append)
    made.said = said
    return made


def of(folder):
    return Network(run=str(folder.path))


def test_a_sample_of_the_data_is_answered_with_its_true_class(inspector, run, catalog):
    opened, info = describe(inspected.digits().data, catalog)
    samples = opened.splits["test"]

    found = inspector.answer(Ask(network=of(run), sample=DataSample("test", 5)))
    loaded = inspector.answer(Load(network=of(run)))
    gone = inspector.answer(Ask(network=of(run), sample=DataSample("test", 10**6)))

    assert (found.truth, found.name) == (int(samples.targets[5]), samples.name(5))
    picture = found.seen.picture.unpack()
    np.testing.assert_array_equal(picture[..., :1], samples.read(5))
    assert loaded.layers == ("conv1", "pool1", "conv2")
    assert (loaded.layer, loaded.counts) == ("conv2", info.counts)
    assert isinstance(gone, Refused)
    assert "no sample 1000000" in gone.message


def test_pictures_are_explained_by_grad_cam_unless_told_otherwise(inspector, run, catalog):
    explain = Explain(network=of(run), sample=DataSample("test", 5), target=3)

    cam = inspector.answer(explain)
    early = inspector.answer(msgspec.structs.replace(explain, layer="conv1"))
    inspector.said.clear()
    hidden = inspector.answer(msgspec.structs.replace(explain, method="occlusion"))
    exact = inspector.answer(msgspec.structs.replace(explain, method="integrated-gradients"))
    wrong = inspector.answer(msgspec.structs.replace(explain, layer="dense1"))

    assert (cam.method, cam.layer, cam.label, cam.values.shape) == (
        "grad-cam",
        "conv2",
        "3",
        (4, 4),
    )
    assert (early.layer, early.values.shape) == ("conv1", (8, 8))
    assert (hidden.method, hidden.values.shape) == ("occlusion", (8, 8))
    assert [type(each) for each in inspector.said] == [Progressed] * len(inspector.said)
    assert inspector.said[-1].share == 1
    assert hidden.score == pytest.approx(cam.score, abs=1e-5)
    assert exact.values.unpack().sum() - exact.error == pytest.approx(
        exact.score - exact.baseline, abs=1e-3
    )
    assert "dense1 is none" in wrong.message


def test_a_run_of_a_backend_without_gradients_is_explained_by_one_that_has_them(
    inspector, run, catalog, tmp_path
):
    import shutil

    other = type(run)(tmp_path / "other")
    shutil.copytree(run.path, other.path)
    experiment = inspected.digits()
    training = msgspec.structs.replace(experiment.training, backend="keras-jax")
    (other.path / "experiment.json").unlink()
    saved = save(msgspec.structs.replace(experiment, training=training), tmp_path / "kept")
    saved.rename(other.path / "experiment.json")
    explain = Explain(network=of(run), sample=DataSample("test", 5), target=3)

    here = inspector.answer(explain)
    there = inspector.answer(msgspec.structs.replace(explain, network=of(other)))

    assert not catalog.backend("keras-jax").differentiates
    np.testing.assert_allclose(there.values.unpack(), here.values.unpack(), atol=1e-5)


def test_grad_cam_of_a_text_is_refused(catalog, tmp_path):
    folder = inspected.write_texts(tmp_path / "texts", 12)
    experiment = inspected.transformer(folder)
    training = msgspec.structs.replace(experiment.training, epochs=1)
    experiment = msgspec.structs.replace(experiment, training=training)
    network = of(inspected.trained(experiment, tmp_path / "runs", catalog))

    ask = Explain(network=network, sample=DataSample("validation", 0), method="grad-cam")
    reply = Inspector(catalog).answer(ask)

    assert (reply.message, reply.hint) == (
        "Grad-CAM explains pictures only.",
        "Use integrated gradients.",
    )


def test_each_asker_waits_for_its_own_last_request(run):
    sample = DataSample("test", 0)
    one = Explain(id=1, network=of(run), sample=sample, asker="examination")
    other = Explain(id=2, network=of(run), sample=sample)
    later = Explain(id=3, network=of(run), sample=sample, asker="examination")

    assert wanted([one, other, later]) == [other, later]


def test_filters_are_shown_in_their_places(inspector, run, catalog):
    weights = open_trained(run, catalog).weights

    names = inspector.answer(Load(network=of(run))).filters
    first = inspector.answer(ShowFilters(network=of(run), weight="conv1/kernel"))
    second = inspector.answer(ShowFilters(network=of(run), weight="conv2/kernel", channel=3))
    none = inspector.answer(ShowFilters(network=of(run), weight="dense1/kernel"))

    assert names == ("conv1/kernel", "conv2/kernel")
    assert isinstance(first, Filters)
    kernel = weights["conv2/kernel"]
    assert (second.total, second.channels) == (kernel.shape[3], kernel.shape[2])
    np.testing.assert_array_equal(second.values.unpack()[5, ..., 0], kernel[:, :, 3, 5])
    assert "no filter over places" in none.message


def test_similar_samples_are_those_that_comparing_all_at_once_finds(catalog, run, tmp_path):
    trained = open_trained(run, catalog)
    opened, info = describe(inspected.digits().data, catalog)
    train, test = opened.splits["train"], opened.splits["test"]
    prepared = np.stack([train.read(n) for n in range(len(train))])
    scaled = trained.preprocessing.scale(prepared, trained.fitted)
    vectors = trained.model.probe(scaled, ("conv2",))["conv2"].mean(axis=(1, 2))
    said = []
    projector = Projector(catalog, said.append)

    def expected(query, own=-1):
        raw = trained.preprocessing.scale(query[None], trained.fitted)
        one = trained.model.probe(raw, ("conv2",))["conv2"].mean(axis=(1, 2))[0]
        norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(one)
        distances = 1 - vectors @ one / norms
        order = [n for n in np.argsort(distances, kind="stable").tolist() if n != own]
        return order, distances

    ask = FindSimilar(network=of(run), sample=DataSample("test", 2), node="conv2", count=5)
    found = projector.answer(ask)
    order, distances = expected(test.read(2))
    assert isinstance(found, Similar)
    assert found.indices == tuple(order[:5])
    np.testing.assert_allclose(found.distances, distances[list(found.indices)], atol=1e-5)
    assert found.total == info.counts["train"]
    assert found.targets == tuple(int(train.targets[n]) for n in found.indices)
    assert found.names == tuple(train.name(n) for n in found.indices)
    assert said[-1].share == 1.0

    said.clear()
    file = tmp_path / "mine.png"
    Image.fromarray(np.uint8(train.read(7)[..., 0] * 15)).save(file)
    given = projector.answer(msgspec.structs.replace(ask, sample=GivenFile(str(file))))
    itself = projector.answer(msgspec.structs.replace(ask, sample=DataSample("train", 7)))
    assert said == []  # the vectors are kept
    assert given.total == itself.total
    assert itself.indices == tuple(expected(train.read(7), own=7)[0][:5])
    assert 7 not in itself.indices
    nothing = projector.answer(msgspec.structs.replace(ask, node="nothing"))
    assert "leads to no Output" in nothing.message


def test_pictures_are_explained_on_the_command_line(run, runs, tmp_path, capfd):
    picture = tmp_path / "one.png"
    ground = np.zeros((8, 8), np.uint8)
    ground[1:7, 3:5] = 250
    Image.fromarray(ground).save(picture)
    asked = ["predict", run.name, str(picture), "--runs", str(runs)]

    assert main([*asked, "--method", "grad-cam", "--picture", str(tmp_path / "cam.png")]) == 0
    printed = capfd.readouterr().out
    assert main([*asked, "--method", "occlusion", "--of", "4", "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out.splitlines()[-1])["predictions"]
    assert main([*asked, "--layer", "conv1", "--json"]) == 0
    (early,) = json.loads(capfd.readouterr().out.splitlines()[-1])["predictions"]
    assert main([*asked, "--layer", "dense1"]) == 3
    assert main([*asked, "--of", "horse"]) == 3
    failed = capfd.readouterr().err

    assert "Grad-CAM of conv2 for" in printed
    assert "cam.png written." in printed
    drawn = np.asarray(Image.open(tmp_path / "cam.png"))
    assert drawn.shape == (320, 2 * 320 + 12, 3)
    assert (drawn[:, :320, 0] == drawn[:, :320, 2]).all()
    assert (drawn[:, -320:, 0] > drawn[:, -320:, 2]).any()
    explained = found["explanation"]
    assert (explained["method"], explained["target"]) == ("occlusion", 4)
    assert np.shape(explained["values"]) == (8, 8)
    assert "baseline" not in explained
    assert (early["explanation"]["method"], early["explanation"]["layer"]) == ("grad-cam", "conv1")
    assert "dense1 is none" in failed
    assert "There is no class “horse”" in failed


def test_mistakes_are_listed_and_corrected_on_the_command_line(run, runs, tmp_path, capfd):
    asked = ["evaluate", run.name, "--runs", str(runs), "--mistakes", "3"]
    assert main([*asked, "--json"]) == 0
    mistakes = json.loads(capfd.readouterr().out.splitlines()[-1])["mistakes"]
    assert main(asked) == 0
    printed = capfd.readouterr().out
    first, second, _ = (each["sample_id"] for each in mistakes)
    file = str(save(inspected.digits(), tmp_path / "mine"))

    assert main(["correct", file, "--relabel", f"{first}=7", "--leave-out", second]) == 0
    listed = capfd.readouterr().out
    assert main(["correct", file, "--take-back", second, "--json"]) == 0
    left = json.loads(capfd.readouterr().out.splitlines()[-1])["corrections"]
    assert main(["correct", file, "--leave-out", "nothing#0"]) == 2
    assert main(["correct", file, "--relabel", f"{second}=horse"]) == 2
    assert main(["correct", file, "--take-back", second]) == 2
    assert main(["correct", file, "--relabel", "7"]) == 2
    refused = capfd.readouterr().err

    losses = [each["loss"] for each in mistakes]
    assert losses == sorted(losses, reverse=True)
    assert all(each["true"] != each["answer"] for each in mistakes)
    assert first in printed
    assert f"{first}: 7" in listed
    assert f"{second}: left out" in listed
    assert left == {first: "7"}
    assert "no sample “nothing#0”" in refused
    assert "is not corrected" in refused
    assert "names no class" in refused
