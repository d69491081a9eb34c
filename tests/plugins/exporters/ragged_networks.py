"""Four networks over samples that differ in length, and runs of them that look trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.plugins.exporters.networks import Sketch, run_of
from workbench.document.experiment import Component, Data, Experiment
from workbench.plugin_api.exporter import ExportOptions
from workbench.worker.export_request import raw_request
from workbench.worker.trained import open_trained

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.document.graph import Graph
    from workbench.plugin_api.exporter import ExportRequest

VOCABULARY = 300
TEXTS = Data(
    source=Component("film_sentences"),
    preprocessing=Component("text", {"vocabulary_size": VOCABULARY, "longest": 24}),
)
SERIES = Data(
    source=Component("series_samples", {"data_set": "JapaneseVowels"}),
    preprocessing=Component("series"),
)


def _texts(add: Sketch) -> None:
    add("Embedding", vocabulary=VOCABULARY, features=8)


def lstm() -> Graph:
    """A bidirectional LSTM over words."""
    add = Sketch()
    _texts(add)
    add("LSTM", units=6, direction="both")
    add("Dense", units=2)
    return add.graph()


def cnn() -> Graph:
    """Convolutions over words, with strides, batch normalisation and pooling along time."""
    add = Sketch()
    _texts(add)
    add("Conv1D", filters=8, kernel_size=4, padding="valid", stride=2)
    add("BatchNorm")
    add("ReLU")
    add("MaxPool1D", pool_size=3, stride=2, padding="same")
    add("AveragePool1D", stride=1)
    add("GlobalMaxPool")
    add("Dense", units=2)
    return add.graph()


def gru() -> Graph:
    """A GRU that reads series backward, and a simple layer upon it."""
    add = Sketch()
    add("GRU", units=6, direction="backward", layers=2, sequences=True)
    add("SimpleRNN", units=5, activation="relu")
    add("Dense", units=9)
    return add.graph()


def transformer() -> Graph:
    """A Transformer encoder with learned positions."""
    add = Sketch()
    _texts(add)
    add("LearnedPositions", positions=24)
    add("TransformerEncoder", heads=2, hidden=12)
    add("PickToken")
    add("Dense", units=2)
    return add.graph()


NETWORKS = {"lstm": lstm, "cnn": cnn, "gru": gru, "transformer": transformer}


def experiment(name: str) -> Experiment:
    """Return one of the four."""
    return Experiment(
        name=f"Ragged {name}", graph=NETWORKS[name](), data=SERIES if name == "gru" else TEXTS
    )


def request_of(name: str, catalog: Catalog, folder: Path, **options: Any) -> ExportRequest:
    """Return the request of a network's run."""
    run = run_of(experiment(name), folder, catalog)
    request, notes = raw_request(run, open_trained(run, catalog), catalog, ExportOptions(**options))
    assert notes == ()
    return request
