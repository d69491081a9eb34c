"""A trained run is asked about typed texts and files, and says what its answer rests on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from tests.workbench import inspected
from workbench.cli import main
from workbench.inspecting.answers import Answered, Ask, Explain, Explained, Look, Reply
from workbench.inspecting.network import GivenFile, Load, Loaded, Network, TypedText
from workbench.reading import Refused, receive, send
from workbench.runs.probes import decode_snapshot, read_snapshot
from workbench.worker.inspector import Inspector, wanted

SENTENCE = "The film with superb  music"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def texts(catalog, runs, tmp_path_factory):
    folder = inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts")
    return inspected.trained(inspected.transformer(folder), runs, catalog)


@pytest.fixture(scope="module")
def series(catalog, runs):
    return inspected.trained(inspected.motions(), runs, catalog)


@pytest.fixture
def inspector(catalog):
    return Inspector(catalog)


def of(folder):
    return Network(run=str(folder.path), checkpoint="last")


def test_a_typed_text_is_answered_and_its_words_are_weighed(inspector, texts):
    answered = inspector.answer(Ask(id=1, network=of(texts), sample=TypedText(SENTENCE)))
    explained = inspector.answer(Explain(id=2, network=of(texts), sample=TypedText(SENTENCE)))

    assert isinstance(answered, Answered)
    assert answered.labels[0] == "good"
    assert answered.targets == (1, 0)
    assert sum(answered.probabilities) == pytest.approx(1)
    words = [word.text for word in answered.seen.words]
    assert words == ["The", "film", "with", "superb", "music"]
    assert [word.start for word in answered.seen.words] == [SENTENCE.index(w) for w in words]
    assert isinstance(explained, Explained)
    values = explained.values.unpack()
    assert (explained.target, explained.label) == (1, "good")
    assert values.argmax() == words.index("superb")
    assert values.sum() - explained.error == pytest.approx(
        explained.score - explained.baseline, abs=1e-4
    )
    assert abs(explained.error) <= 0.01 * abs(explained.score - explained.baseline)


def test_what_speaks_for_another_class(inspector, texts):
    found = inspector.answer(Explain(network=of(texts), sample=TypedText(SENTENCE), target=0))

    assert found.label == "bad"
    assert found.values.unpack().argmin() == 3


def test_words_that_are_not_in_the_vocabulary_and_those_that_are_cut(catalog, tmp_path):
    folder = inspected.write_texts(tmp_path / "texts", 12)
    experiment = inspected.transformer(folder, length=4)
    network = of(inspected.trained(experiment, tmp_path / "runs", catalog))
    inspector = Inspector(catalog)

    cut = inspector.answer(Ask(network=network, sample=TypedText("the qwerty film ends in rain")))
    short = inspector.answer(Ask(network=network, sample=TypedText("superb")))
    why = inspector.answer(Explain(network=network, sample=TypedText("superb")))

    assert [word.is_known for word in cut.seen.words] == [True, False, True, True]
    assert cut.seen.left_out == len(" in rain")
    assert [word.text for word in short.seen.words] == ["superb"]
    values = why.values.unpack()
    assert values.shape == (4,)
    assert values[0]
    assert not values[1:].any()


def test_a_series_is_weighed_step_by_step_and_channel_by_channel(inspector, series, tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 6))
    file = tmp_path / "walk.csv"
    np.savetxt(file, rows, delimiter=",")

    answered = inspector.answer(Ask(network=of(series), sample=GivenFile(str(file))))
    explained = inspector.answer(Explain(network=of(series), sample=GivenFile(str(file))))

    np.testing.assert_allclose(answered.seen.signal.unpack(), rows, atol=1e-5)
    assert answered.seen.steps == 100
    values = explained.values.unpack()
    assert values.shape == (100, 6)
    assert values.sum() - explained.error == pytest.approx(
        explained.score - explained.baseline, abs=1e-4
    )


def test_a_stored_sample_is_looked_at_as_training_would_have(inspector, texts):
    recorded = read_snapshot(sorted(texts.probes.iterdir())[-1])
    look = Look(network=of(texts), sample=0, layers=("block1",), attention=("block1",))

    same = decode_snapshot(inspector.answer(look).content)
    other = decode_snapshot(inspector.answer(msgspec.structs.replace(look, sample=3)).content)
    last = decode_snapshot(inspector.answer(msgspec.structs.replace(look, sample=999)).content)

    assert (same.step, same.title, same.names) == (recorded.step, recorded.title, recorded.names)
    np.testing.assert_allclose(
        same.attention["block1"].shares(), recorded.attention["block1"].shares(), atol=1e-3
    )
    assert same.layers["block1"].is_sequence
    assert other.title != same.title
    assert last.sample == 19


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (TypedText("  "), "The text is empty."),
        (GivenFile("/nowhere/at all.txt"), "/nowhere/at all.txt cannot be used"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(inspector, texts, sample, said):
    reply = inspector.answer(Ask(id=4, network=of(texts), sample=sample))

    assert isinstance(reply, Refused)
    assert reply.id == 4
    assert said in reply.message
    assert isinstance(inspector.answer(Load(network=of(texts))), Loaded)


def test_a_text_for_a_network_of_series_is_refused(inspector, series):
    reply = inspector.answer(Ask(network=of(series), sample=TypedText("walk")))

    assert "takes no typed text" in reply.message


def test_a_run_without_a_checkpoint_is_refused(inspector, tmp_path):
    reply = inspector.answer(Load(network=Network(run=str(tmp_path))))

    assert isinstance(reply, Refused)
    assert "Traceback" not in reply.message


def test_only_the_last_request_of_each_kind_is_wanted(texts):
    one, other = (Ask(id=n, network=of(texts), sample=TypedText("a")) for n in (1, 2))
    why = Explain(id=3, network=of(texts), sample=TypedText("a"))

    assert wanted([one, why, other]) == [why, other]


def test_the_process_talks_in_frames_and_ends_when_nobody_listens(texts):
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.worker.inspector"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        send(process.stdin, Load(id=1, network=of(texts)))
        loaded = msgspec.msgpack.decode(receive(process.stdout), type=Reply)
        process.stdin.close()
        assert process.wait(10) == 0
        assert process.stdout.read() == b""

    assert isinstance(loaded, Loaded)
    assert (loaded.id, loaded.kind, loaded.classes) == (1, "texts", ("bad", "good"))


def test_explaining_on_the_command_line(texts, series, runs, tmp_path, capfd):
    asked = ["predict", texts.name, "--runs", str(runs), "--text", SENTENCE, "--explain"]

    assert main([*asked, "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out.splitlines()[-1])["predictions"]
    assert main(asked) == 0
    printed = capfd.readouterr().out

    words = found["explanation"]["words"]
    assert found["labels"][0] == "good"
    assert max(words, key=lambda word: word["value"])["text"] == "superb"
    total = sum(word["value"] for word in words) - found["explanation"]["error"]
    difference = found["explanation"]["score"] - found["explanation"]["baseline"]
    assert total == pytest.approx(difference, abs=1e-4)
    assert "superb" in printed
    assert "of an empty sample" in printed
    file = tmp_path / "walk.csv"
    np.savetxt(file, np.zeros((100, 6)), delimiter=",")
    asked = ["predict", series.name, str(file), "--runs", str(runs), "--explain"]
    assert main(asked) == 0
    assert "channel 6 " in capfd.readouterr().out
