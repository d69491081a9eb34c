"""A process that runs generated Keras modules on one framework; a test feeds it through pipes.

Run as `python -m tests.plugins.keras_peer jax`. It reads pickled Case and Call objects
from its standard input and answers each with a pickled Answer, or what the function returns.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from tests.plugins.peers import Answer, Call, Case

Array = Any
CASES_BETWEEN_COLLECTIONS = 100  # collecting takes as long as ten cases


def main(framework: str) -> None:
    """Answer cases until the pipe is closed."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a framework prints must not come between the answers
    gc.set_threshold(50_000, 20, 50)
    from plugins.backends.keras.loading import load_keras

    keras = load_keras(framework)
    for count in itertools.count(1):
        try:
            case = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answered(case), replies)
        replies.flush()
        if count % CASES_BETWEEN_COLLECTIONS == 0:
            keras.backend.clear_session()


def answered(case: Case | Call) -> Any:
    """Return the answer to a case, what a function returns, or what went wrong."""
    try:
        if isinstance(case, Call):
            return case.function(*case.arguments)
        return _run(case)
    except Exception:
        return Answer(error=traceback.format_exc())


def _run(case: Case) -> Answer:
    import keras

    space: dict[str, Any] = {}
    exec(compile(case.source, "generated.py", "exec"), space)
    model = space["make_model"]()
    variables = {}
    for name, (layer, attribute, value) in case.weights.items():
        variable: Any = model.get_layer(layer)
        for part in attribute.split("."):
            variable = getattr(variable, part)
        assert tuple(variable.shape) == value.shape, (name, variable.shape, value.shape)
        variable.assign(value)
        variables[name] = variable
    found = {id(variable) for variable in variables.values()}
    unknown = [v.path for v in model.weights if id(v) not in found and "seed" not in v.path]
    assert not unknown, f"no canonical weight is bound to {unknown}"
    answer = Answer()
    if case.reload:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            loaded = keras.saving.load_model(path)
        answer.reloaded = _forward(loaded, case.inputs)
    if not case.seeds:
        answer.outputs = _forward(model, case.inputs)
        return answer
    steps = {"jax": _with_jax, "tensorflow": _with_tensorflow, "torch": _with_torch}
    steps[keras.backend.backend()](model, variables, case, answer)
    statistics = {name: v for name, v in variables.items() if not v.trainable}
    answer.statistics |= {
        name: np.array(keras.ops.convert_to_numpy(v))
        for name, v in statistics.items()
        if name not in answer.statistics
    }
    return answer


def _forward(model: Any, inputs: list[Array]) -> list[Array]:
    import keras

    outputs = model(_unwrapped(inputs), training=False)
    return [np.array(keras.ops.convert_to_numpy(value)) for value in _listed(outputs)]


def _with_jax(model: Any, variables: dict[str, Any], case: Case, answer: Answer) -> None:
    import jax

    fixed = [v.value for v in model.non_trainable_variables]

    def loss(weights: Any, numbers: Any) -> Any:
        outputs, state = model.stateless_call(
            weights, fixed, _unwrapped(_merged(case.inputs, numbers)), training=case.training
        )
        outputs = _listed(outputs)
        total = sum((y * seed).sum() for y, seed in zip(outputs, case.seeds, strict=True))
        return total, (outputs, state)

    @jax.jit
    def run(weights: Any, inputs: Any) -> Any:
        plain, _ = model.stateless_call(weights, fixed, _unwrapped(inputs), training=False)
        gradients = jax.grad(loss, argnums=(0, 1), has_aux=True)(weights, _numbers(inputs))
        return _listed(plain), gradients

    plain, (gradients, (outputs, state)) = run(
        [v.value for v in model.trainable_variables], case.inputs
    )
    answer.outputs, answer.trained = _arrays(plain), _arrays(outputs)
    by_id = {
        id(v): g for v, g in zip(model.trainable_variables, _arrays(gradients[0]), strict=True)
    }
    states = {id(v): s for v, s in zip(model.non_trainable_variables, state, strict=True)}
    for name, variable in variables.items():
        if variable.trainable:
            answer.gradients[name] = by_id[id(variable)]
        else:
            answer.statistics[name] = np.array(states[id(variable)])
    _add_input_gradients(answer, _arrays(gradients[1]))


def _with_tensorflow(model: Any, variables: dict[str, Any], case: Case, answer: Answer) -> None:
    import tensorflow as tf

    answer.outputs = _forward(model, case.inputs)
    inputs = [tf.constant(array) for array in case.inputs]
    trained = {name: v for name, v in variables.items() if v.trainable}
    with tf.GradientTape() as tape:
        tape.watch(_numbers(inputs))
        outputs = _listed(model(_unwrapped(inputs), training=case.training))
        total = tf.add_n(
            [tf.reduce_sum(y * seed) for y, seed in zip(outputs, case.seeds, strict=True)]
        )
    sources = [_numbers(inputs), [v.value for v in trained.values()]]
    to_inputs, to_weights = tape.gradient(total, sources, unconnected_gradients="zero")
    answer.trained = _arrays(outputs)
    dense = [tf.convert_to_tensor(gradient) for gradient in to_weights]  # an embedding's is sparse
    answer.gradients = dict(zip(trained, _arrays(dense), strict=True))
    _add_input_gradients(answer, _arrays(to_inputs))


def _with_torch(model: Any, variables: dict[str, Any], case: Case, answer: Answer) -> None:
    import torch

    answer.outputs = _forward(model, case.inputs)
    inputs = [torch.from_numpy(array) for array in case.inputs]
    watched = [tensor.requires_grad_() for tensor in inputs if tensor.is_floating_point()]
    trained = {name: v for name, v in variables.items() if v.trainable}
    outputs = _listed(model(_unwrapped(inputs), training=case.training))
    total = sum((y * torch.from_numpy(s)).sum() for y, s in zip(outputs, case.seeds, strict=True))
    sources = [*watched, *(v.value for v in trained.values())]
    gradients = torch.autograd.grad(total, sources, materialize_grads=True)
    answer.trained = [y.detach().numpy() for y in outputs]
    found = [gradient.numpy() for gradient in gradients]
    answer.gradients = dict(zip(trained, found[len(watched) :], strict=True))
    _add_input_gradients(answer, found[: len(watched)])


def _add_input_gradients(answer: Answer, gradients: list[Array]) -> None:
    answer.gradients |= {f"input {index}": value for index, value in enumerate(gradients)}


def _numbers(inputs: list[Any]) -> list[Any]:
    """Return the inputs that have gradients; tokens and lengths have none."""
    return [value for value in inputs if "float" in str(value.dtype)]


def _merged(inputs: list[Any], numbers: list[Any]) -> list[Any]:
    """Put other numbers in the place of those of `inputs`."""
    rest = iter(numbers)
    return [next(rest) if value.dtype.kind == "f" else value for value in inputs]


def _arrays(values: Any) -> list[Array]:
    return [np.array(value) for value in values]


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _unwrapped(inputs: list[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)


if __name__ == "__main__":
    main(sys.argv[1])
