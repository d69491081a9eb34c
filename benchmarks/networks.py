"""The experiments that benchmarks train, as documents."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.graph import Graph, Node
from workbench.document.training import SGD, Training


class Chain:
    """Builds a graph node after node; `last` is where the next one is attached."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.last = ""

    def add(self, kind: str, *inputs: str, **params: Any) -> str:
        """Append a layer to `last`, or to the given inputs, and return its id."""
        node_id = f"{kind.lower()}{len(self.nodes)}"
        sources = inputs or ((self.last,) if self.last else ())
        self.nodes.append(Node(node_id, kind, params, sources))
        self.last = node_id
        return node_id

    def graph(self) -> Graph:
        """Return the graph, ended by an Output."""
        self.add("Output")
        return Graph(tuple(self.nodes))


def mlp() -> Experiment:
    """784-128-10 on MNIST-5k, batches of 64."""
    chain = Chain()
    for kind, params in (
        ("Input", {}),
        ("Flatten", {}),
        ("Dense", {"units": 128}),
        ("ReLU", {}),
        ("Dense", {"units": 10}),
    ):
        chain.add(kind, **params)
    return _experiment("mlp", chain, batch_size=64, epochs=200)


def cnn() -> Experiment:
    """Two convolutions and a dense layer on 28×28 pictures, batches of 64."""
    chain = Chain()
    for kind, params in (
        ("Input", {}),
        ("Conv2D", {"filters": 32, "padding": "same"}),
        ("ReLU", {}),
        ("MaxPool2D", {}),
        ("Conv2D", {"filters": 64, "padding": "same"}),
        ("ReLU", {}),
        ("MaxPool2D", {}),
        ("Flatten", {}),
        ("Dense", {"units": 128}),
        ("ReLU", {}),
        ("Dense", {"units": 10}),
    ):
        chain.add(kind, **params)
    return _experiment("cnn-28", chain, batch_size=64, epochs=4)


def resnet18(
    side: int = 64, stem_stride: int = 1, epochs: int = 1, batch_size: int = 32, widths: int = 64
) -> Experiment:
    """ResNet-18 (He and others, 2016) on RGB pictures of side × side pixels."""
    chain = Chain()
    chain.add("Input")
    chain.add(
        "Conv2D",
        filters=widths,
        kernel_size=[7, 7],
        stride=[2, 2],
        padding="same",
        use_bias=False,
    )
    chain.add("BatchNorm")
    chain.add("ReLU")
    if stem_stride > 1:
        chain.add("MaxPool2D", pool_size=[3, 3], stride=[2, 2], padding="same")
    for stage in range(4):
        for block in range(2):
            stride = 2 if stage and not block else 1
            _block(chain, widths * 2**stage, stride, project=bool(stage) and not block)
    chain.add("GlobalAveragePool")
    chain.add("Dense", units=10)
    size = {"height": side, "width": side, "channels": "rgb"}
    return _experiment(f"resnet18-{side}", chain, batch_size, epochs, size)


def text_cnn() -> Experiment:
    """A convolution over the words of film sentences of any length, batches of 50."""
    return _text(
        "text-cnn",
        ("Conv1D", {"filters": 128, "padding": "same"}),
        ("ReLU", {}),
        ("GlobalMaxPool", {}),
    )


def text_bilstm() -> Experiment:
    """An LSTM in both directions over the same sentences."""
    return _text("text-bilstm", ("LSTM", {"units": 64, "direction": "both"}), epochs=2, threads=1)


def text_transformer() -> Experiment:
    """Two blocks of a Transformer encoder over the same sentences."""
    block = ("TransformerEncoder", {"heads": 4, "hidden": 200})
    places = ("LearnedPositions", {"positions": 256})
    return _text(
        "text-transformer", places, block, block, ("GlobalAveragePool", {}), epochs=2, threads=1
    )


def _text(
    name: str, *layers: tuple[str, dict[str, Any]], epochs: int = 4, threads: int = 2
) -> Experiment:
    """One thread suffers little from what else runs: small kernels wait for each other."""
    chain = Chain()
    ends = ("Input", {}), ("Embedding", {"features": 100}), ("Dense", {"units": 2})
    for kind, params in (*ends[:2], *layers, ends[2]):
        chain.add(kind, **params)
    found = _experiment(name, chain, batch_size=50, epochs=epochs)
    data = Data(
        source=Component("film_sentences"),
        preprocessing=Component("text"),
        split=Split(validation=0.0, test=0.2),
    )
    training = msgspec.structs.replace(found.training, threads=threads)
    return msgspec.structs.replace(found, data=data, training=training)


def series_lstm() -> Experiment:
    """An LSTM over Japanese vowels of any length, batches of 16."""
    chain = Chain()
    for kind, params in (("Input", {}), ("LSTM", {"units": 48}), ("Dense", {"units": 9})):
        chain.add(kind, **params)
    found = _experiment("series-lstm", chain, batch_size=16, epochs=20)
    data = Data(
        source=Component("series_samples", {"data_set": "JapaneseVowels"}),
        preprocessing=Component("series"),
        split=Split(validation=0.0, test=0.0),
    )
    return msgspec.structs.replace(found, data=data)


def _block(chain: Chain, filters: int, stride: int, *, project: bool) -> None:
    start = chain.last

    def conv(source: str, size: int, step: int) -> str:
        chain.add(
            "Conv2D",
            source,
            filters=filters,
            kernel_size=[size, size],
            stride=[step, step],
            padding="same",
            use_bias=False,
        )
        return chain.add("BatchNorm")

    conv(start, 3, stride)
    chain.add("ReLU")
    end = conv(chain.last, 3, 1)
    side = conv(start, 1, stride) if project else start
    chain.add("Add", end, side)
    chain.add("ReLU")


def _experiment(
    name: str, chain: Chain, batch_size: int, epochs: int, size: dict[str, Any] | None = None
) -> Experiment:
    """No validation: nothing but training happens between the first step and the last."""
    return Experiment(
        name=name,
        graph=chain.graph(),
        data=Data(
            source=Component("mnist5k"),
            split=Split(validation=0.0, test=0.2),
            preprocessing=Component("image", size or {}),
        ),
        training=Training(
            epochs=epochs,
            batch_size=batch_size,
            optimizer=SGD(learning_rate=0.01, momentum=0.9),
            threads=2,
            device="cpu",
        ),
    )
