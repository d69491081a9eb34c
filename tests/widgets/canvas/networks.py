"""Networks to draw."""

from __future__ import annotations

from workbench.document.experiment import Experiment
from workbench.document.graph import Graph, Node


def chain() -> Experiment:
    """Input, convolution, activation, flatten, dense, output: one below the other."""
    return Experiment(
        graph=Graph(
            (
                Node("input1", "Input"),
                Node("conv1", "Conv2D", {"filters": 16}, ("input1",), position=(0, 80)),
                Node("relu1", "ReLU", {}, ("conv1",), position=(0, 160)),
                Node("flatten1", "Flatten", {}, ("relu1",), position=(0, 240)),
                Node("dense1", "Dense", {"units": 10}, ("flatten1",), position=(0, 320)),
                Node("output1", "Output", {}, ("dense1",), position=(0, 400)),
            )
        )
    )


def branched() -> Experiment:
    """Two convolutions side by side, added, with a way past the second stage."""
    same = {"filters": 8, "padding": "same"}
    return Experiment(
        graph=Graph(
            (
                Node("input1", "Input"),
                Node("conv1", "Conv2D", same, ("input1",), position=(-132, 80)),
                Node("conv2", "Conv2D", same, ("input1",), position=(132, 80)),
                Node("add1", "Add", {}, ("conv1", "conv2"), position=(0, 160)),
                Node("conv3", "Conv2D", same, ("add1",), position=(0, 240)),
                Node("relu1", "ReLU", {}, ("conv3",), position=(0, 320)),
                Node("add2", "Add", {}, ("relu1", "add1"), position=(0, 400)),
                Node("pool1", "GlobalAveragePool", {}, ("add2",), position=(0, 480)),
                Node("dense1", "Dense", {"units": 10}, ("pool1",), position=(0, 560)),
                Node("output1", "Output", {}, ("dense1",), position=(0, 640)),
            )
        )
    )


def long_chain(count: int) -> Experiment:
    """Return `count` layers in columns of fifty."""
    nodes = [Node("input1", "Input")]
    for number in range(1, count):
        place = (number // 50 * 264, number % 50 * 80)
        kind = ("Conv2D", "BatchNorm", "ReLU")[number % 3]
        params = {"padding": "same"} if kind == "Conv2D" else {}
        nodes.append(Node(f"n{number}", kind, params, (nodes[-1].id,), position=place))
    return Experiment(graph=Graph(tuple(nodes)))
