"""Tags, labels, numbers and forecasts of one sample, as the window is told of them."""

from __future__ import annotations

import numpy as np
import pytest

import resources
from tests.plugins.exporters.networks import run_of
from tests.plugins.exporters.test_scripts_of_tasks import experiments
from tests.widgets.forecasts_on_disk import forecaster
from workbench.inspecting.answers import Answered, Ask
from workbench.inspecting.network import DataSample, Network, TypedText
from workbench.reading import Refused
from workbench.worker.inspector import Inspector


@pytest.fixture(scope="module")
def ask(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    given = {**experiments(folder), "forecast": forecaster(folder)}
    runs = {name: run_of(each, folder / name, catalog) for name, each in given.items()}
    inspector = Inspector(catalog)

    def asked(name, sample):
        network = Network(run=str(runs[name].path), checkpoint="last")
        sample = TypedText(sample) if isinstance(sample, str) else sample
        return inspector.answer(Ask(network=network, sample=sample))

    return asked


def test_each_word_has_its_tag(ask):
    found = ask("tags", "東京 で 会議")
    assert isinstance(found, Answered)
    assert [each.word for each in found.tags] == ["東京", "で", "会議"]
    assert all(0 < each.probability <= 1 for each in found.tags)
    assert found.targets == ()
    assert found.words == " ".join(f"{each.word}/{each.tag}" for each in found.tags)


def test_several_classes_have_a_threshold_and_rows_can_be_typed(ask):
    found = ask("labels", "colour red, size 2")
    assert (sorted(found.labels), found.threshold) == (["first", "second"], 0.5)
    assert found.targets
    assert isinstance(ask("labels", "weight 3"), Refused)


def test_numbers_come_with_their_names(ask):
    found = ask("numbers", "colour red, size 2")
    assert [name for name, _ in found.numbers] == ["first", "second"]
    assert found.words == ", ".join(f"{name} {value:.6g}" for name, value in found.numbers)


def test_a_pasted_table_is_forecast(ask):
    path = resources.path("samples", "elnino.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:41]]
    table = "\n".join(["month,place,warm,cold", *(f"{m},coast,{t},{t}" for m, t in rows)])
    forecast = ask("forecast", table).forecast
    assert forecast.channels == ("warm", "cold")
    assert forecast.dated
    assert len(forecast.past_times) == 40
    assert np.diff([*forecast.past_times, *forecast.times]).min() > 0
    values, low, high = (part.unpack() for part in (forecast.values, forecast.low, forecast.high))
    assert values.shape == (3, 2)
    assert (low <= values).all()
    assert (values <= high).all()
    np.testing.assert_allclose(forecast.past.unpack()[:, 0], [float(t) for _, t in rows], rtol=1e-5)
    assert forecast.truth is None
    picked = ask("forecast", DataSample(split="test", index=0)).forecast
    assert picked.truth.unpack().shape == (3, 2)
    assert picked.times[0] > picked.past_times[-1]
    refused = ask("forecast", "month,place,warm\n1990-01,coast,3")
    assert refused.message.startswith("The table cannot be used: it has no column “cold”")
