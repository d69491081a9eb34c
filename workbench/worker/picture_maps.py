"""Where in a picture the reasons for a class lie: Grad-CAM and occlusion.

Grad-CAM: Selvaraju et al. (2017), Grad-CAM: Visual Explanations from Deep Networks via
Gradient-based Localization. Occlusion: Zeiler and Fergus (2014), Visualizing and Understanding
Convolutional Networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.network import Network

PATCHES = 7
"""A side of the picture is so many patches long, unless a size is given."""
BATCH = 32


def picture_layers(network: Network) -> tuple[str, ...]:
    """Return what has an output of height × width × channels that leads to an Output.

    Nodes, and before each the modules inside that can be watched, as "node.path".
    """
    return tuple(_pictures(network))


def last_picture_layer(network: Network) -> str:
    """Return the last of `picture_layers` that does not pool; empty where there is none.

    Of modules that lie in each other it is the outermost, which ends last.
    """
    found = _pictures(network)
    kept = [name for name, pools in found.items() if not pools] or list(found)
    if not kept:
        return ""
    node, _, path = kept[-1].partition(".")
    names = path.split(".") if path else []
    outer = (".".join([node, *names[:count]]) for count in range(1, len(names)))
    return next((name for name in outer if name in found and not found[name]), kept[-1])


def grad_cam(
    model: Model, inputs: NDArray[Any], node: str, factors: NDArray[np.float32]
) -> tuple[NDArray[np.float32], float]:
    """Return a map of the places that speak for Σ factors · output, and that sum.

    The channels of the node's output, each weighted with its mean gradient, are summed; what is
    below zero speaks for other classes and is zero.

    Args:
        inputs: one picture, 1 × canonical shape.
        node: one of `picture_layers`.
        factors: one output's canonical shape; one at a class and zero elsewhere.

    Returns:
        height × width of the output, not negative.
    """
    maps = model.probe(inputs, (node,))
    outputs, gradients = model.gradients(inputs, maps, factors[None].astype(np.float32))
    channels = maps[node][0].astype(np.float64)
    weights = gradients[node][0].astype(np.float64).mean(axis=(0, 1))
    found = np.maximum(channels @ weights, 0)
    return found.astype(np.float32), float((outputs[0].astype(np.float64) * factors).sum())


@dataclass(frozen=True)
class Occluded:
    """What a network says of a picture, and of the same with a patch hidden, patch by patch.

    Attributes:
        size: height and width of the picture.
        patch: height and width of a patch.
        places: top and left of each.
        whole: output for the picture.
        outputs: for each patch.
    """

    size: tuple[int, int]
    patch: tuple[int, int]
    places: Sequence[tuple[int, int]]
    whole: NDArray[np.float32]
    outputs: NDArray[np.float32]

    def map(self, factors: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
        """Return by pixel what Σ factors · output loses when a patch hides it, and that sum.

        A pixel has the mean over all patches on it, or zero where a stride leaves it out.

        Returns:
            height × width.
        """
        score = float((self.whole.astype(np.float64) * factors).sum())
        weighted = self.outputs.astype(np.float64) * factors
        lost, times = np.zeros(self.size), np.zeros(self.size)
        high, wide = self.patch
        sums = weighted.reshape(len(weighted), -1).sum(axis=1).tolist()
        for (top, left), value in zip(self.places, sums, strict=True):
            box = slice(top, top + high), slice(left, left + wide)
            lost[box] += score - value
            times[box] += 1
        return (lost / np.maximum(times, 1)).astype(np.float32), score


def occluded(
    predict: Callable[[NDArray[Any]], NDArray[np.float32]],
    picture: NDArray[np.float32],
    *,
    patch: int = 0,
    stride: int = 0,
    progress: Callable[[float], object] = lambda share: None,
) -> Occluded:
    """Ask a network about a picture with patches hidden, each by the picture's own mean colour.

    Args:
        predict: prepared pictures (a batch) -> raw outputs.
        picture: prepared, height × width × channels.
        patch: its side in pixels, at most that of the picture; 0: a seventh of the longer side.
        stride: pixels from one patch to the next; 0: half a patch.
        progress: called with the share that is done.
    """
    height, width, _ = picture.shape
    patch = patch or max(-(-max(height, width) // PATCHES), 1)
    stride = stride or max(patch // 2, 1)
    high, wide = min(patch, height), min(patch, width)
    places = [
        (top, left)
        for top in _starts(height, high, stride)
        for left in _starts(width, wide, stride)
    ]
    colour = picture.mean(axis=(0, 1))
    found = []
    for start in range(0, len(places), BATCH):
        part = places[start : start + BATCH]
        hidden = np.repeat(picture[None], len(part), axis=0)
        for number, (top, left) in enumerate(part):
            hidden[number, top : top + high, left : left + wide] = colour
        found.append(predict(hidden))
        progress(min(start + BATCH, len(places)) / len(places))
    outputs, whole = np.concatenate(found), predict(picture[None])[0]
    return Occluded((height, width), (high, wide), places, whole, outputs)


def _starts(size: int, side: int, stride: int) -> Iterator[int]:
    """Yield where patches begin, so that the last one ends with the picture."""
    yield from range(0, size - side, stride)
    yield size - side


def _pictures(network: Network) -> dict[str, bool]:
    """Return whether it pools, of each picture layer in order."""
    leading, found = _leading(network), {}
    for node in network.nodes:
        if node.id not in leading or node.layer.id in ("Input", "Output"):
            continue
        for part in () if node.layer.is_fixed else node.layer.inner():
            if part.path and part.shape is not None and _is_picture(part.shape):
                found[f"{node.id}.{part.path}"] = "pool" in part.kind.lower()
        if node.output.axes[:2] == ("height", "width") and _is_picture(node.output.shape):
            found[node.id] = node.layer.category == "Pooling"
    return found


def _is_picture(shape: tuple[int | None, ...]) -> bool:
    if len(shape) != 3:
        return False
    height, width = shape[:2]
    return height is None or width is None or height * width > 1


def _leading(network: Network) -> set[str]:
    """Return the nodes on a way to an Output that gradients come along."""
    found = {node.id for node in network.outputs}
    for node in reversed(network.nodes):
        if node.id in found and not node.layer.is_fixed:
            found.update(node.inputs)
    return found
