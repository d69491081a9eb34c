"""The opponent: plain `model.fit`. Imports nothing of the workbench."""

import importlib.util
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def main(plan_path: Path) -> None:
    """Train as the plan says and print samples a second, without the first epoch."""
    plan = json.loads(plan_path.read_text())
    os.environ["KERAS_BACKEND"] = plan["framework"]
    os.environ["NPROC"] = str(plan["threads"])  # JAX reads the number of threads here
    import keras

    _limit_threads(plan["framework"], plan["threads"])
    folder = plan_path.parent
    with np.load(folder / "batches.npz") as file:
        arrays = [file[name] for name in file]
    spec = importlib.util.spec_from_file_location("model", plan["module"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.make_model()
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    ends = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    epochs = plan["epochs"]
    options = {"epochs": epochs, "shuffle": True, "verbose": 0, "callbacks": [watch]}
    if plan["ragged"]:
        model.fit(batches_of(arrays), **options)
    else:
        model.fit(*arrays, batch_size=plan["batch_size"], **options)
    count = sum(map(len, arrays[:: 3 if plan["ragged"] else 2]))
    print(count * (epochs - 1) / (ends[-1] - ends[0]))


def batches_of(arrays):
    """Return a data set of ready batches: inputs, lengths and targets of each in turn."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(arrays) // 3

        def __getitem__(self, index):
            inputs, lengths, targets = arrays[3 * index : 3 * index + 3]
            return (inputs, lengths), targets

    return Batches()


def _limit_threads(framework: str, threads: int) -> None:
    if framework == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
    elif framework == "torch":
        import torch

        torch.set_num_threads(threads)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
