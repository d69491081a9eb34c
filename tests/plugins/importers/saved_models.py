"""Writes SavedModel folders; a program of its own, as TensorFlow cannot live beside PyTorch.

python saved_models.py FOLDER
"""

import os
import sys
from pathlib import Path

os.environ |= {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

import keras  # noqa: TID253
import tensorflow as tf  # noqa: TID253
from keras import layers  # noqa: TID253


class Reading(tf.Module):
    """Reads a file while it works."""

    def call(self, x):
        return x + tf.strings.to_number(tf.io.read_file("/etc/hostname"))


class Sums(tf.Module):
    """Adds up along the features, which no layer does, before a linear layer."""

    def __init__(self):
        super().__init__()
        self.first = tf.Variable(tf.random.normal((6, 8), seed=1), name="first")
        self.last = tf.Variable(tf.random.normal((8, 3), seed=2), name="last")

    @tf.function(input_signature=[tf.TensorSpec((None, 6), tf.float32, name="rows")])
    def answer(self, rows):
        """Return two results by name."""
        sums = tf.cumsum(tf.tanh(rows @ self.first), axis=1)
        return {"what": sums @ self.last, "sums": sums}


def main(folder):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.export(str(folder / "pictures"), verbose=False)
    reading = Reading()
    reading.run = tf.function(reading.call, input_signature=[tf.TensorSpec((None, 5), tf.float32)])
    sums = Sums()
    signatures = {"ask": sums.answer.get_concrete_function()}
    tf.saved_model.save(sums, str(folder / "sums"), signatures)
    tf.saved_model.save(reading, str(folder / "reading"), reading.run.get_concrete_function())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
