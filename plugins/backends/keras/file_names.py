"""Names of weights in Keras' HDF5 files: those of Keras 3, which count, and older ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.keras.code import keras_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.code import Bind
    from workbench.plugin_api.network import Network


def file_names(network: Network) -> dict[str, tuple[Sequence[str], Bind]]:
    """Return for each weight "node/name" the names it may have in a file, and its Bind.

    They begin with the layer's name. Keras 3 numbers the variables of each (sub)layer, the
    trainable ones first, as `Layer.save_own_variables` does ("conv1/vars/0", "lstm1/cell/vars/1").
    Older files name them ("conv1/kernel", "lstm1/lstm_cell/kernel"), or are told by the place in
    their layer ("lstm1/weights/1").
    """
    specs = network.weight_specs()
    bound = keras_names(network)
    in_order = sorted(bound, key=lambda name: not specs[name].trainable)  # stable
    lasts = [(layer, bind.attribute.split(".")[-1]) for layer, bind in bound.values()]
    counts: dict[str, int] = {}
    names: dict[str, tuple[Sequence[str], Bind]] = {}
    for weight in in_order:
        layer, bind = bound[weight]
        *parents, last = bind.attribute.split(".")
        owner = "/".join((layer, *parents))
        found = [f"{owner}/{last}", f"{owner}/vars/{_next(counts, f'{owner}/vars')}"]
        if lasts.count((layer, last)) == 1:
            found.append(f"{layer}/{last}")
        found.append(f"{layer}/weights/{_next(counts, f'{layer}/weights')}")
        names[weight] = (tuple(dict.fromkeys(found)), bind)
    return {weight: names[weight] for weight in bound}


def _next(counts: dict[str, int], key: str) -> int:
    counts[key] = counts.get(key, -1) + 1
    return counts[key]
