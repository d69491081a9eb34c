"""Saves models of Keras, imports the files and says what came: a process has one Keras only."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from plugins.backends.keras.loading import load_keras
from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.worker.pretrained.importing import Wish, take

SIZE = (20, 18, 3)


def models(keras: Any) -> dict[str, Any]:
    """Return models by the name of the file that they go to."""
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input(SIZE)
    scaled = layers.Rescaling([0.5, 1.0, 2.0], [0.0, -1.0, 0.25])(inputs)
    stem = layers.Conv2D(8, 3, strides=2, padding="same", kernel_regularizer="l2", name="stem")
    x = layers.BatchNormalization(momentum=0.9, name="norm")(stem(scaled))
    x = layers.ReLU(max_value=6)(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="swish", name="deep")(x)
    y = layers.SeparableConv2D(8, 3, padding="same", use_bias=False, name="apart")(y)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(8, 1, activation="leaky_relu", name="excite")(gate)
    gate = layers.ReLU(6.0)(gate + 3.0) * (1.0 / 6.0)
    x = layers.Add()([x, layers.Multiply()([y, gate])])
    x = layers.ZeroPadding2D(((0, 1), (1, 0)))(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.Concatenate()([x, 1.0 - x])
    x = layers.SpatialDropout2D(0.2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(4, activation="softmax", name="answer")(layers.Dropout(0.5)(x))
    functional = keras.Model(inputs, x)
    body = keras.Sequential(
        [layers.Input(SIZE), layers.Conv2D(4, 3, name="inner"), layers.PReLU(shared_axes=[1, 2])]
    )
    nested = keras.Sequential(
        [
            layers.Input(SIZE),
            body,
            layers.LayerNormalization(epsilon=1e-4),
            layers.GlobalMaxPooling2D(),
            layers.Dense(3, activation="gelu"),
        ]
    )
    tokens = keras.Input((None,))
    rows = layers.Embedding(20, 8, mask_zero=True, name="rows")(tokens)
    seen = layers.MultiHeadAttention(2, 4, name="seen")(rows, rows)
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")
    steps = both(layers.LayerNormalization()(layers.Add()([rows, seen])))
    last = layers.Bidirectional(layers.GRU(3, recurrent_dropout=0.1), name="last")(steps)
    film = keras.Sequential(
        [
            layers.Input((4, 8, 8, 2)),
            layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu")),
            layers.TimeDistributed(layers.Flatten()),
            layers.TimeDistributed(layers.Dense(6)),
            layers.SimpleRNN(5, go_backwards=True),
            layers.Reshape((5, 1)),
            layers.Conv1DTranspose(3, 4, strides=2, padding="same", activation="tanh"),
            layers.UpSampling1D(2),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    pixels = keras.Input((None, None, 3))
    seen_by = layers.Conv2DTranspose(4, 3, strides=2, name="larger")(
        layers.RandomFlip()(layers.Rescaling(1 / 255)(pixels))
    )
    pooled = ops.sqrt(ops.mean(ops.square(seen_by), axis=(1, 2)))
    free = keras.Model(pixels, [layers.Dense(2, name="what")(pooled), layers.Dense(3)(pooled)])

    @keras.saving.register_keras_serializable("others")
    class Own(keras.Model):
        def call(self, x):
            return x

    own = Own()
    own(np.zeros((1, 2), np.float32))
    shared = layers.Dense(5)
    twice = keras.Input((5,))
    once = keras.Input((5,))
    return {
        "functional.keras": functional,
        "nested.h5": nested,
        "nested.keras": nested,
        "texts.keras": keras.Model(tokens, layers.Dense(2)(last)),
        "film.keras": film,
        "free.keras": free,
        "own.keras": own,
        "half.keras": keras.Sequential([layers.Input((6,)), layers.Dense(3, dtype="float16")]),
        "shared.keras": keras.Model(twice, shared(shared(twice))),
        "lambda.keras": keras.Model(once, layers.Lambda(lambda x: x * 2)(once)),
        "power.keras": keras.Model(once, ops.power(once, 3.0)),
        "weights.h5": functional,
    }


def enliven(model: Any) -> None:
    """Give every weight a value of its own."""
    random = np.random.default_rng(0)
    for variable in model.weights:
        if "seed" not in variable.path:
            values = random.uniform(0.2, 1.0, variable.shape) * random.choice([1, 0.5])
            variable.assign(values if "variance" in variable.path else (values - 0.5) / 2)


def main(folder: str, framework: str) -> None:
    """Print what became of each file, as JSON."""
    keras = load_keras(framework)
    root, catalog = Path(folder), Catalog.load()
    found = {}
    for name, model in models(keras).items():
        enliven(model)
        path = root / name
        if name == "weights.h5":
            path = root / "some.weights.h5"
            model.save_weights(path)
        else:
            model.save(path)
        try:
            taken = take(Wish(source=str(path), folder=root / "kept"), catalog)
        except UserError as error:
            found[name] = {"error": error.message}
            continue
        found[name] = {
            "report": taken.report,
            "nodes": {node.id: (node.type, node.params) for node in taken.experiment.graph.nodes},
            "trainable": {node.id: node.trainable for node in taken.experiment.graph.nodes},
            "shape": taken.imported.input_shape,
            "preprocessing": taken.experiment.data.preprocessing,
        }
    found |= applications(keras, root, catalog)
    sys.stdout.write(msgspec.json.encode(found).decode())


def applications(keras: Any, root: Path, catalog: Catalog) -> dict[str, Any]:
    """Return what becomes of weights alone, of a network by name with other classes."""
    path = root / "seven.weights.h5"
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=7)
    model.save_weights(path)
    named = Wish(source=str(path), folder=root / "kept", architecture="keras:MobileNet")
    taken = take(named, catalog)
    head = keras.ops.convert_to_numpy(model.get_layer("conv_preds").kernel).ravel()
    arrays = taken.imported.weights.values()
    is_there = any(head.size == each.size and (head == each.ravel()).all() for each in arrays)
    found = {"seven": {"report": taken.report, "has_head": bool(is_there)}}
    try:
        take(dataclasses.replace(named, architecture="keras:MobileNetV2"), catalog)
    except UserError as error:
        found["others"] = {"error": error.message}
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
