"""The generated Keras module as a live model, with what training must know of its parts."""

from __future__ import annotations

import contextlib
import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.code import keras_names, tapped_layers
from plugins.backends.keras.updates import Trained
from plugins.backends.running.weights import CanonicalWeights
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.backend import BuildPlan
    from workbench.plugin_api.network import Network


class LoadedModel:
    """Runs the very file on disk, so that what is read is what trains.

    Attributes:
        path: of that file, as tracebacks name it.
        lines: of that file, to the node each was written for.
        node_of_layer: name of every layer in the model that stands for a node.
        model: the keras.Model.
        taps: a keras.Model of the same layers that gives the output of every node.
        tapped: the nodes whose outputs `taps` gives, in its order.
        canonical: names, shapes and layouts of all weights.
        variables: keras.Variable of each canonical weight that is in the model.
        trained: weights that training changes, in the order of `model.trainable_variables`.
        changing: keras.Variable of each canonical weight that training changes, statistics too.
        random: states of the layers that draw random numbers, by name.
        present: tells batch normalisation which samples are real, where a framework needs that.
    """

    present: Any = None

    def __init__(self, plan: BuildPlan, keras: Any) -> None:
        self.path = str(plan.module_path)
        self.lines = plan.code.lines
        scope: dict[str, Any] = {"__name__": "generated_model", "__file__": self.path}
        source = plan.module_path.read_text(encoding="utf-8")
        with _policy(plan.training.precision, keras):
            exec(compile(source, self.path, "exec"), scope)
            self.model = scope[plan.code.class_name]()
        layer_of = tapped_layers(plan.network)
        self.node_of_layer = {layer: node for node, layer in layer_of.items()}
        self.tapped = tuple(layer_of)
        outputs = [self.model.get_layer(name).output for name in layer_of.values()]
        self.taps = keras.Model(self.model.inputs, outputs)
        names = keras_names(plan.network)
        self.canonical = CanonicalWeights(plan.network, names)
        self.variables = {
            name: attrgetter(bind.attribute)(self.model.get_layer(layer))
            for name, (layer, bind) in names.items()
        }
        self._rates: dict[tuple[str, str], float] = {}
        self._layers = {name: layer for name, (layer, _) in names.items()}
        self.freeze(plan.network)
        self.random = self._random_states(plan.seed)

    def freeze(self, network: Network) -> None:
        """Let only that be trained which the network trains; the rest keeps its statistics, too."""
        names = [(node, f"{node.id}/{weight}") for node in network.nodes for weight in node.weights]
        known = [(node, name) for node, name in names if name in self._layers]
        for node, name in known:
            layer = self.model.get_layer(self._layers[name])
            layer.trainable = node.trainable
            self._set_dropout(layer, is_on=node.trainable)
        specs = network.weight_specs()
        for _, name in known:  # after the layers, which set that of all their weights
            if specs[name].frozen:
                self.variables[name].trainable = False
        self.trained = self._trained(network)
        self.changing = {n: self.variables[n] for n in network.changing if n in self.variables}

    def _set_dropout(self, layer: Any, *, is_on: bool) -> None:
        """Let a frozen layer do in training what it does in evaluation.

        `trainable = False` does so for batch normalisation alone.
        """
        for part in layer._flatten_layers():
            for name in ("rate", "dropout", "recurrent_dropout"):
                if isinstance(getattr(type(part), name, None), property):
                    continue  # shows what its cell has, which is a part of its own
                if isinstance(own := getattr(part, name, None), float):
                    rate = self._rates.setdefault((part.path, name), own)
                    setattr(part, name, rate if is_on else 0.0)

    def has_statistics(self) -> bool:
        """Whether a layer normalises by the statistics of the batch it is trained with."""
        return any(layer.trainable for layer in self.batch_normalisations())

    def batch_normalisations(self) -> Iterator[Any]:
        """Yield the layers that learn from the batch as a whole, while they are not frozen."""
        import keras

        for layer in self.model._flatten_layers(include_self=False):
            if isinstance(layer, keras.layers.BatchNormalization):
                yield layer

    def _trained(self, network: Network) -> tuple[Trained, ...]:
        names = {id(variable): name for name, variable in self.variables.items()}
        owners = {f"{node.id}/{weight}": node for node in network.nodes for weight in node.weights}
        specs = network.weight_specs()
        found = []
        for variable in self.model.trainable_variables:
            name = names[id(variable)]
            scale, spec = owners[name].learning_rate_scale, specs[name]
            found.append(Trained(name, variable, scale, spec.l1, spec.l2))
        return tuple(found)

    def _random_states(self, seed: int) -> dict[str, Any]:
        """Name the states after their layers, and let them depend on seed and name alone."""
        weights = {id(variable) for variable in self.model.weights}
        states = {}
        for layer in self.model.layers:
            own = (v for v in layer.non_trainable_variables if id(v) not in weights)
            states |= {f"{layer.name}/{index}": variable for index, variable in enumerate(own)}
        for name, variable in states.items():
            digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
            first = int.from_bytes(digest[:4], "little") & 0x7FFFFFFF
            variable.assign(np.array([first, 0]))
        return states


@contextlib.contextmanager
def _policy(precision: str, keras: Any) -> Iterator[None]:
    """Let layers compute in `precision`; weights stay float32.

    Raises:
        UserError: float16, whose gradients vanish unless they are scaled.
    """
    if precision == "float16":
        raise UserError(
            "Keras models cannot be trained in float16 here.", "Choose bfloat16 or float32."
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
