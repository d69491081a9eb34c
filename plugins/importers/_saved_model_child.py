"""Converts a SavedModel and answers for it, in a process that has TensorFlow and nothing of ours.

python _saved_model_child.py FOLDER FILE.onnx

It writes the file, and then one line of JSON on its standard output: the signature that was taken.
After that it takes lines of JSON, {"inputs": FILE.npz, "outputs": FILE.npz}, and answers each with
a line, until its standard input ends.
"""

import contextlib
import json
import sys

SIGNATURES = ("serving_default", "serve")
OPSET = "18"


def converted(folder, target):
    """Write a signature as ONNX by tf2onnx; return its name and what calls it."""
    import tensorflow as tf
    from tf2onnx import convert

    model = tf.saved_model.load(folder, tags=["serve"])
    names = list(model.signatures)
    if not names:
        raise ValueError("it has no signature that could be called")
    signature = next((name for name in SIGNATURES if name in names), names[0])
    for spec in model.signatures[signature].structured_input_signature[1].values():
        if spec.dtype == tf.string:
            raise ValueError(f"its signature {signature} takes texts as strings")
    options = ["--saved-model", folder, "--output", target, "--opset", OPSET]
    sys.argv = ["tf2onnx", *options, "--tag", "serve", "--signature_def", signature]
    convert.main()
    return signature, model


def answer(call, inputs, outputs):
    """Call a signature for a batch of samples."""
    import numpy as np
    import tensorflow as tf

    with np.load(inputs) as file:
        (array,) = (file[name] for name in file)
    ((name, spec),) = call.structured_input_signature[1].items()
    found = call(**{name: tf.constant(array, spec.dtype)})
    np.savez(outputs, **{key: value.numpy() for key, value in found.items()})


def main(folder, target):
    """Convert, and answer until nobody asks any more."""
    told = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        signature, model = converted(folder, target)
        print(json.dumps({"signature": signature}), file=told, flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            answer(model.signatures[signature], asked["inputs"], asked["outputs"])
            print("{}", file=told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
