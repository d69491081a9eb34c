"""A small language model of a small text, trained for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.document.training import Training

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = 12
TEXT = "The cat sat on the mat, and the dog sat on the log.\n" * 120


def language_model(folder: Path, **training: object) -> Experiment:
    """Return an experiment whose text lies in a folder: characters to a causal Transformer."""
    folder.mkdir(exist_ok=True)
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    layers = [
        ("tokens1", "Embedding", {"vocabulary": 30, "features": 16, "padding_id": None}),
        ("block1", "TransformerDecoder", {"heads": 2, "dropout": 0.0, "rotary": True}),
        ("dense1", "Dense", {"units": 30}),
        ("output1", "Output", {}),
    ]
    nodes = [Node("input1", "Input")]
    for name, kind, params in layers:
        nodes.append(Node(name, kind, params, (nodes[-1].id,)))
    settings = {"tokeniser": "characters", "vocabulary_size": 30, "context": CONTEXT}
    return Experiment(
        name="cats",
        graph=Graph(tuple(nodes)),
        data=Data(
            source=Component("text_file", {"file": str(folder / "text.txt")}),
            split=Split(validation=0.2, test=0.2),
            preprocessing=Component("text_stream", settings),
        ),
        task=Component("language_modelling"),
        training=Training(epochs=2, batch_size=16, threads=1, **training),
    )
