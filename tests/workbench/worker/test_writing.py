"""A language model from a text file to a written text: trained, measured, asked, exported."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice

import pytest

from tests.workbench import inspected
from tests.workbench.written import CONTEXT, language_model
from workbench.cli import main
from workbench.document.files import save
from workbench.errors import UserError
from workbench.inspecting.network import Load, Loaded, Network
from workbench.inspecting.writing import GoOn, Write, Wrote
from workbench.plugin_api.writing import Sampling
from workbench.reading import Refused
from workbench.runs import store
from workbench.worker.report import read_state
from workbench.worker.writer import WritingProcess
from workbench.worker.writing import Writer


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    save(language_model(folder / "text"), folder / "cats.workbench.json")
    assert main(["train", str(folder / "cats.workbench.json"), "--runs", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.fixture
def said(capfd, runs):
    """Return a function that does a command and gives its JSON."""

    def do(*arguments):
        assert main([*arguments, "--runs", str(runs), "--json"]) == 0
        return json.loads(capfd.readouterr().out.splitlines()[-1])

    return do


def test_perplexity_falls_and_stands_beside_that_of_trigrams(runs, said):
    state = read_state(store.find_run("last", runs))
    losses = state.epochs["val/loss"].values
    assert losses[-1] < losses[0]
    assert any("It writes now" in line.text for line in state.journal)
    evaluated = said("evaluate", "last")
    assert evaluated["metrics"].keys() >= {"test/perplexity", "test/bits_per_character"}
    assert evaluated["metrics"]["test/loss"] == pytest.approx(state.metrics["test/loss"], abs=1e-6)
    assert 1 < evaluated["baselines"]["trigrams"]["perplexity"] < 3


def test_the_same_seed_writes_the_same(said):
    arguments = ("generate", "last", "--prompt", "The ", "--tokens", "30", "--top-k", "8")
    first, again = (said(*arguments, "--seed", "5") for _ in range(2))
    other = said(*arguments, "--seed", "6")
    assert first["text"] == again["text"] != other["text"]
    assert len(first["tokens"]) == 30 > CONTEXT
    assert "".join(token["text"] for token in first["tokens"]) == first["text"]
    best = first["tokens"][0]["alternatives"]
    assert [each["probability"] for each in best] == sorted(
        (each["probability"] for each in best), reverse=True
    )
    sure = [said(*arguments, "--temperature", "0")["text"] for _ in range(2)]
    assert sure[0] == sure[1]


def test_nonsense_is_refused(runs, capfd):
    for wrong in (["--temperature", "-1"], ["--top-p", "2"], ["--tokens", "0"]):
        assert main(["generate", "last", "--runs", str(runs), *wrong]) == 2
    capfd.readouterr()


def test_short_and_full_windows_give_the_same(runs, catalog):
    """What stands behind the last token must not change what comes after it."""
    writer = Writer(store.find_run("last", runs), catalog)
    sure = Sampling(temperature=0)
    assert writer._takes_any
    short = [step.text for step in islice(writer.write("The cat", sure, 0), 20)]
    writer._takes_any = False
    assert [step.text for step in islice(writer.write("The cat", sure, 0), 20)] == short


def test_the_process_writes_in_parts(runs, catalog, tmp_path):
    process = WritingProcess(catalog)
    network = Network(run=str(store.find_run("last", runs).path))
    assert isinstance(process.answer(Load(id=1, network=network)), Loaded)
    request = Write(
        id=2, network=network, prompt="", tokens=400, temperature=1.0, top_k=0, top_p=1.0, seed=0
    )
    replies = [process.answer(request)]
    while not replies[-1].is_done:
        replies.append(process.answer(GoOn(id=3)))
    assert all(isinstance(reply, Wrote) for reply in replies)
    assert sum(len(reply.tokens) for reply in replies) == 400
    assert isinstance(process.answer(Load(id=4, network=Network(run=str(tmp_path)))), Refused)


def test_other_tasks_do_not_write(tmp_path, catalog):
    texts = inspected.write_texts(tmp_path / "texts", 4)
    folder = inspected.trained(inspected.transformer(texts), tmp_path / "runs", catalog)
    with pytest.raises(UserError, match="not learned to write"):
        Writer(folder, catalog)


def test_the_script_writes_without_the_workbench(runs, tmp_path, capfd):
    script, start = tmp_path / "cats.py", tmp_path / "start.txt"
    start.write_text("The cat")
    arguments = ["export", "last", "--runs", str(runs), "--format", "python", "-o", str(script)]
    assert main(arguments) == 0
    assert "verified" in capfd.readouterr().out
    found = subprocess.run(
        [sys.executable, script, start], capture_output=True, text=True, timeout=120, check=True
    )
    name, text = found.stdout.split("\t", 1)
    assert name == str(start)
    assert text.startswith("The cat")
    assert len(text) > 100
