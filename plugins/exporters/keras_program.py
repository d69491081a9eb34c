"""A program: makes a Keras model of generated code and weights, and writes it in one format.

Executed in a folder that `keras_writing.lay_out` filled; nothing of the workbench is imported. It
leaves the result beside, under the name of its format.
"""

import importlib.util
import json
import os
import sys
from operator import attrgetter
from pathlib import Path


def main():
    """Do what job.json says."""
    job = json.loads(Path("job.json").read_text(encoding="utf-8"))
    os.environ["KERAS_HOME"] = str(Path.cwd())  # settings of a person would change the model
    model = make_model(job)
    WRITERS[job["format"]](model, job)


def make_model(job):
    """Return the model of model.py with the weights of weights.safetensors."""
    import numpy as np
    from safetensors import safe_open

    name = job["module"]
    spec = importlib.util.spec_from_file_location(name, "model.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    model = getattr(module, job["function"])()
    with safe_open("weights.safetensors", framework="numpy") as tensors:
        for weight, (layer, attribute) in job["variables"].items():
            variable = attrgetter(attribute)(model.get_layer(layer))
            value = np.ascontiguousarray(tensors.get_tensor(weight))
            if value.shape != tuple(variable.shape):
                raise ValueError(f"{weight} has the shape {value.shape}, not {variable.shape}")
            variable.assign(value)
    return model


def write_keras(model, job):
    """Write Keras' own file."""
    model.save("model.keras")


def write_weights(model, job):
    """Write the weights alone."""
    model.save_weights("model.weights.h5")


def write_saved_model(model, job):
    """Write TensorFlow's folder; it takes any batch, and lengths where the model does."""
    import keras
    import tensorflow as tf

    names = ("inputs", "lengths")
    signature = [
        tf.TensorSpec((None, *given.shape[1:]), given.dtype, name=name)
        for name, given in zip(names, model.inputs, strict=False)
    ]
    if len(signature) == 1:
        options = {"format": "tf_saved_model", "verbose": False}
        model.export("saved_model", input_signature=signature, **options)
        return
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve", lambda *given: model(list(given), training=False), input_signature=signature
    )
    archive.write_out("saved_model", verbose=False)


def write_litert(model, job):
    """Write a LiteRT file that needs no other operators than LiteRT's own."""
    import tensorflow as tf

    write_saved_model(model, job)
    converter = tf.lite.TFLiteConverter.from_saved_model("saved_model")
    Path("model.tflite").write_bytes(converter.convert())


def write_onnx(model, job):
    """Write an ONNX file by PyTorch; Keras' own exporter leaves the batch open by tracing alone."""
    import torch

    class Network(torch.nn.Module):
        """Takes tensors as arguments, as torch.export wants to be told of."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, inputs, lengths=None):
            given = inputs if lengths is None else [inputs, lengths]
            return self.model(given, training=False)

    first = model.inputs[0]
    shape = [2, *(size or 8 + job["fewest"] for size in first.shape[1:])]  # one would fix the batch
    arguments = [torch.zeros(shape, dtype=getattr(torch, first.dtype))]
    batch = torch.export.Dim("batch")
    shapes = [{0: batch}]
    if len(model.inputs) > 1:
        arguments.append(torch.full((2,), shape[1], dtype=torch.int32))
        shapes = [{0: batch, 1: torch.export.Dim("time", min=job["fewest"])}, {0: batch}]
    program = torch.onnx.export(
        Network().eval(),
        tuple(arguments),
        dynamo=True,
        verbose=False,
        opset_version=job["opset"],
        input_names=job["inputs"],
        output_names=[job["output"]],
        dynamic_shapes=tuple(shapes),
    )
    program.model.metadata_props.update(job["properties"])
    program.save("model.onnx")


WRITERS = {
    "keras": write_keras,
    "weights": write_weights,
    "saved_model": write_saved_model,
    "litert": write_litert,
    "onnx": write_onnx,
}

if __name__ == "__main__":
    main()
