"""Networks over samples that differ in length: on every backend, and padded to any length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.code import generate, keras_names
from tests.plugins.networks import Build, Compiled, canonical, compiled, moved
from tests.plugins.parity import (
    canonical_answer,
    forward_difference,
    gradient_difference,
    random_weights,
)
from tests.plugins.peers import Answer, Case
from workbench.plugin_api.layer import need_values
from workbench.plugin_api.tensors import TensorType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.plugins.peers import Peers
    from workbench.catalog import Catalog
    from workbench.plugin_api.layer import Layer
    from workbench.plugin_api.network import Network

Array = "NDArray[np.float32]"
TOKENS = TensorType((None,), ("time",), "int64")
VOCABULARY = 11


def series(features: int, steps: int | None = None) -> TensorType:
    """Return the type of a series; its samples differ in length unless `steps` says otherwise."""
    return TensorType((steps, features), ("time", "features"))


def chain(catalog: Catalog, kinds: Sequence[TensorType], *layers: Layer) -> Network:
    """Return the Inputs, then layers one after another; the first takes all Inputs."""
    build = Build(catalog)
    sources = [build.put_input(f"in{index}", kind) for index, kind in enumerate(kinds)]
    for index, layer in enumerate(layers):
        need_values(layer, [build.nodes[source].output for source in sources])
        name = "layer" if index == 0 else f"layer{index + 1}"
        sources = [build.put(name, layer, *sources)]
    build.add("out", "Output", *sources)
    return build.network()


def with_weights(network: Network, seed: int = 0) -> Compiled:
    """Return the network in PyTorch with random weights, in evaluation mode."""
    return compiled(network, random_weights(network, seed))


def ragged_case(
    network: Network,
    lengths: Sequence[int],
    *,
    extent: int = 0,
    filling: float = 0.0,
    training: bool = True,
    seed: int = 0,
) -> Case:
    """Return inputs of these lengths, padded to `extent` steps with values of size `filling`.

    Real steps are the same for every extent and filling; seeds of outputs are zero at others.
    """
    extent = extent or max(lengths)
    weights = random_weights(network, seed + 1)
    inputs = []
    for index, node in enumerate(network.inputs):
        inputs.append(_values(node.output, lengths, extent, filling, seed + index))
    inputs += [np.array(lengths, np.int32) for _ in network.varying]
    return Case(
        source=generate(network).source,
        weights={
            name: (layer, bind.attribute, bind.to_framework(weights[name]))
            for name, (layer, bind) in keras_names(network).items()
        },
        inputs=inputs,
        seeds=[],
        training=training,
    )


def with_seeds(network: Network, case: Case, lengths: Sequence[int]) -> Case:
    """Return the case with gradients of the outputs, which are zero at padded steps."""
    plain = torch_answer(network, case)
    seeds = []
    for index, (node, value) in enumerate(zip(network.outputs, plain.outputs, strict=True)):
        steps = output_lengths(network, lengths) if node.output.varies else None
        seeds.append(_seed(value.shape, steps, 50 + index))
    return Case(case.source, case.weights, case.inputs, seeds, case.training)


def torch_answer(network: Network, case: Case) -> Answer:
    """Return what the generated PyTorch module gives, with gradients where there are seeds."""
    import torch

    weights = {
        name: keras_names(network)[name][1].to_canonical(value, network.weight_specs()[name].shape)
        for name, (_, _, value) in case.weights.items()
    }
    model = compiled(network, weights)
    kinds = [node.output for node in network.inputs]
    arrays = [
        moved(a, kinds[i]) if i < len(kinds) else a.astype(np.int64)
        for i, a in enumerate(case.inputs)
    ]
    inputs = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    with torch.no_grad():
        plain = model.module(*inputs)
    answer = Answer(outputs=[canonical(plain, network.outputs[0].output)])
    if not case.seeds:
        return answer
    model.module.train(case.training)
    watched = [tensor.requires_grad_() for tensor in inputs if tensor.is_floating_point()]
    outputs = model.module(*inputs)
    answer.trained = [canonical(outputs, network.outputs[0].output)]
    seed = np.ascontiguousarray(moved(case.seeds[0], network.outputs[0].output))
    (outputs * torch.from_numpy(seed)).sum().backward()
    numbers = [i for i, tensor in enumerate(inputs) if tensor.is_floating_point()]
    for place, tensor in zip(numbers, watched, strict=True):
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        answer.gradients[f"input {place}"] = canonical(gradient, kinds[place])
    specs = network.weight_specs()
    tensors = {**dict(model.module.named_parameters()), **dict(model.module.named_buffers())}
    for name, (dotted, bind) in model.names().items():
        tensor = tensors[dotted]
        if specs[name].trainable:
            found = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            answer.gradients[name] = bind.to_canonical(found.numpy(), specs[name].shape)
        else:
            found = tensor.detach().numpy()
            answer.statistics[name] = bind.to_canonical(found, specs[name].shape)
    return answer


def compare(
    peers: Peers, network: Network, lengths: Sequence[int], **options: Any
) -> tuple[float, float]:
    """Return the largest differences of outputs and gradients between any two backends."""
    case = with_seeds(network, ragged_case(network, lengths, **options), lengths)
    answers = peers.ask(case)
    for framework, answer in answers.items():
        assert not answer.error, f"{framework}: {answer.error}\n{case.source}"
        canonical_answer(network, answer)
    answers["pytorch"] = torch_answer(network, case)
    for answer in answers.values():
        only_real(network, answer, lengths)
    return forward_difference(answers), gradient_difference(answers)


def padding_difference(network: Network, lengths: Sequence[int], extents: Sequence[int]) -> float:
    """Return the largest difference, of anything, that other padding makes in PyTorch."""
    answers = {}
    for extent in (max(lengths), *extents):
        case = ragged_case(network, lengths, extent=extent, filling=100.0 * (extent % 2))
        answer = torch_answer(network, with_seeds(network, case, lengths))
        answers[str(extent)] = only_real(network, answer, lengths)
    return max(forward_difference(answers), gradient_difference(answers))


def only_real(network: Network, answer: Answer, lengths: Sequence[int]) -> Answer:
    """Keep the real steps of outputs and of the inputs' gradients, all else zero or cut off."""
    for node, values in (
        (network.outputs[0], answer.outputs),
        (network.outputs[0], answer.trained),
    ):
        if node.output.varies:
            steps = output_lengths(network, lengths)
            values[:] = [_cut(value, steps) for value in values]
    for index, node in enumerate(network.inputs):
        name = f"input {index}"
        if node.output.varies and name in answer.gradients:
            answer.gradients[name] = _cut(answer.gradients[name], lengths)
    return answer


def output_lengths(network: Network, lengths: Sequence[int]) -> list[int]:
    """Return how many steps of the first output are real."""
    from plugins.backends.pytorch.code import PYTORCH
    from plugins.backends.source.plan import plan

    steps = {step.node.id: step for step in plan(network, PYTORCH)}
    names, changes = steps[network.outputs[0].id].steps, []
    while names is not None and names.before is not None:
        changes.append(names.change)
        names = names.before
    found = list(lengths)
    for change in reversed(changes):
        found = [max((length + change.offset) // change.stride, 1) for length in found]
    return found


def _values(
    kind: TensorType, lengths: Sequence[int], extent: int, filling: float, seed: int
) -> Array:
    numbers = np.random.default_rng(seed)
    steps = kind.shape[0] or max(lengths)
    shape = (len(lengths), steps, *kind.shape[1:])
    if kind.dtype.startswith("int"):
        values: Any = numbers.integers(1, VOCABULARY, shape)
        noise: Any = np.zeros((len(lengths), extent, *kind.shape[1:]), int)
    else:
        values = numbers.normal(size=shape)
        noise = filling * np.random.default_rng(extent).normal(
            size=(len(lengths), extent, *kind.shape[1:])
        )
    if not kind.varies:
        return values.astype(kind.dtype)
    for row, length in enumerate(lengths):
        noise[row, :length] = values[row, :length]
    return noise.astype(kind.dtype)


def _seed(shape: tuple[int, ...], steps: Sequence[int] | None, seed: int) -> Array:
    if steps is None:
        return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    longest = (shape[0], 64, *shape[2:])
    numbers = np.random.default_rng(seed).normal(size=longest)[:, : shape[1]]
    return _masked(numbers, steps).astype(np.float32)


def _masked(array: Array, steps: Sequence[int]) -> Array:
    found = array.copy()
    for row, length in enumerate(steps):
        found[row, length:] = 0
    return found


def _cut(array: Array, steps: Sequence[int]) -> Array:
    return _masked(array, steps)[:, : max(steps)]
