"""A forecaster from table to answer: trained, evaluated, asked, exported, for real."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.widgets.forecasts_on_disk import HORIZON, forecaster
from workbench import cli
from workbench.document.experiment import Data
from workbench.document.files import save
from workbench.plugin_api.forecast_results import ForecastResults
from workbench.reading import DescribeData, Refused, ShowTimeline, TimelineShown
from workbench.runs.folder import RunFolder
from workbench.runs.results import read_results
from workbench.worker.reader import Answerer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("forecasts")


@pytest.fixture(scope="module")
def run(place):
    """Train two epochs in a worker."""
    file = place / "places.workbench.json"
    given = forecaster(place)
    training = msgspec.structs.replace(given.training, epochs=2, device="cpu")
    save(msgspec.structs.replace(given, training=training), file)
    words = [sys.executable, "-m", "workbench", "train", file, "--runs", place / "runs", "--json"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def do(capfd, *arguments):
    status = cli.main([str(argument) for argument in arguments])
    printed = capfd.readouterr()
    assert status == 0, printed.err
    return printed.out


def test_training_tells_errors_in_units_and_keeps_forecasts(run):
    assert {"test/mae", "test/mase", "test/coverage", "val/loss"} <= run["metrics"].keys()
    folder = RunFolder(Path(run["run"]))
    found = ForecastResults.of(read_results(folder.results / "validation.safetensors").arrays)
    assert found.forecasts.shape[1:] == (HORIZON, 2, 3)
    assert 10 < found.truth[..., 0].mean() < 40  # degrees
    assert (np.diff(found.forecasts, axis=-1) >= 0).all()


def test_evaluating_again_gives_the_same(run, place, capfd):
    told = json.loads(do(capfd, "evaluate", "last", "--runs", place / "runs", "--json"))
    for name, value in told["metrics"].items():
        assert value == pytest.approx(run["metrics"][name], rel=1e-4), name


def test_what_comes_after_a_file_is_forecast_with_dates(run, place, capfd):
    text = do(capfd, "predict", "last", place / "places.csv", "--runs", place / "runs", "--json")
    coast, island = json.loads(text)["predictions"]
    assert (coast["series"], island["series"]) == ("coast", "island")
    assert coast["times"] == ["2011-01", "2011-02", "2011-03"]
    assert list(coast["quantiles"]["cold"]) == ["0.1", "0.5", "0.9"]
    assert coast["values"]["warm"] == coast["quantiles"]["warm"]["0.5"]
    spoken = do(capfd, "predict", "last", place / "places.csv", "--runs", place / "runs")
    assert "2011-02: warm " in spoken
    assert "cold" in spoken


def test_a_file_without_the_columns_is_answered_in_words(run, place, capfd):
    other = place / "other.csv"
    other.write_text("month,place,warm\n1990-01,coast,3\n", encoding="utf-8")
    status = cli.main(["predict", "last", str(other), "--runs", str(place / "runs")])
    assert status == 3
    assert "no column “cold”" in capfd.readouterr().err


def test_the_exported_script_forecasts_the_file_by_itself(run, place, capfd):
    script = place / "places.py"
    do(capfd, "export", "last", "--runs", place / "runs", "--format", "python", "-o", script)
    told = json.loads(
        do(capfd, "predict", "last", place / "places.csv", "--runs", place / "runs", "--json")
    )["predictions"]
    words = [sys.executable, "-I", str(script), str(place / "places.csv")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    rows = list(csv.reader(done.stdout.splitlines()[1:], delimiter="\t"))
    assert [row[:2] for row in rows[:2]] == [["coast", "2011-01"], ["coast", "2011-02"]]
    warm = float(rows[3][2].split()[1])
    assert rows[3][:2] == ["island", "2011-01"]
    assert warm == pytest.approx(told[1]["values"]["warm"][0], rel=1e-4)
    assert "forecasts 3 steps of warm, cold" in script.read_text(encoding="utf-8")


def test_the_report_and_the_card_tell_the_error(run, place, capfd):
    card = place / "card.md"
    do(capfd, "export", "last", "--runs", place / "runs", "--format", "model-card", "-o", card)
    assert "| test | MAE |" in card.read_text(encoding="utf-8")
    do(capfd, "report", "last", "--runs", place / "runs", "-o", place / "report.png")
    assert (place / "report.png").stat().st_size > 10_000


def test_the_window_is_shown_a_series_with_its_splits(catalog, place):
    data = forecaster(place).data
    answerer = Answerer(catalog)
    assert answerer.answer(DescribeData(data=data)).info.timeline.series == ("coast", "island")
    found = answerer.answer(ShowTimeline(data=data, series=1, most=300))
    assert isinstance(found, TimelineShown)
    times = np.frombuffer(found.timeline.times)
    warm = np.frombuffer(found.timeline.values[0])
    assert len(times) == len(warm) <= 320
    assert (np.diff(times) > 0).all()
    whole = answerer.answer(ShowTimeline(data=data, series=1, most=5000)).timeline
    assert np.frombuffer(whole.values[0]).max() == warm.max()
    train, validation, test = found.timeline.parts
    assert train.end < validation.start <= validation.end < test.start
    assert len(test.window_times) == 12 + HORIZON
    assert test.horizon == HORIZON
    assert isinstance(answerer.answer(ShowTimeline(data=data, series=9)), Refused)


def test_other_data_are_no_timeline(catalog):

    assert isinstance(Answerer(catalog).answer(ShowTimeline(data=Data())), Refused)
