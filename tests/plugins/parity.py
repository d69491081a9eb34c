"""One network on every backend: the same weights, inputs and seeds, and how far answers differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.keras.code import generate, keras_names
from plugins.backends.pytorch.code import torch_names
from tests.plugins.networks import Compiled, canonical, compiled, moved, random_array
from tests.plugins.peers import Answer, Case

if TYPE_CHECKING:
    from tests.plugins.peers import Peers
    from workbench.plugin_api.network import Network

Array = "NDArray[np.float32]"


def random_weights(network: Network, seed: int) -> dict[str, Array]:
    """Return weights none of which is a special value; outputs keep the size of inputs."""
    numbers = np.random.default_rng(seed)
    found = {}
    for name, spec in network.weight_specs().items():
        value = numbers.normal(size=spec.shape) / np.sqrt(max(spec.fan_in, 4))
        if name.endswith("/gamma"):
            value = 1 + value / 2
        if name.endswith("/moving_variance"):
            value = numbers.uniform(0.5, 1.5, spec.shape)
        found[name] = value.astype(np.float32)
    return found


def keras_case(
    network: Network, weights: dict[str, Array], batch: int = 2, lengths: int = 0
) -> Case:
    """Return what the peers run: gradients in training mode unless a layer draws numbers.

    Args:
        lengths: size of the axes that vary.
    """
    binds = keras_names(network)
    shapes = [
        tuple(lengths if size is None else size for size in node.output.shape)
        for node in network.inputs
    ]
    inputs = [random_array(shape, batch, seed) for seed, shape in enumerate(shapes)]
    outputs = compiled(network, weights).run(*inputs)
    return Case(
        source=generate(network).source,
        weights={
            name: (layer, bind.attribute, bind.to_framework(weights[name]))
            for name, (layer, bind) in binds.items()
        },
        inputs=inputs,
        seeds=[random_array(y.shape[1:], batch, 100 + i) for i, y in enumerate(_listed(outputs))],
        training=not any(node.layer.is_random for node in network.nodes),
    )


def torch_answer(network: Network, weights: dict[str, Array], case: Case) -> Answer:
    """Return what the generated PyTorch module gives for a case.

    Weights that lead to no Output are left out, as they are in Keras.
    """
    import torch

    model = compiled(network, weights)
    with torch.no_grad():
        plain = _listed(model.module(*model.tensors(case.inputs)))
    answer = Answer(outputs=_canonical(model, plain))
    model.module.train(case.training)
    inputs = [tensor.requires_grad_() for tensor in model.tensors(case.inputs)]
    outputs = _listed(model.module(*inputs))
    answer.trained = _canonical(model, outputs)
    seeds = [_tensor(s, n.output) for s, n in zip(case.seeds, network.outputs, strict=True)]
    total = sum((y * seed).sum() for y, seed in zip(outputs, seeds, strict=True))
    parameters = {k: v for k, v in model.module.named_parameters() if v.requires_grad}
    sources = [*inputs, *parameters.values()]
    gradients = torch.autograd.grad(total, sources, allow_unused=True, materialize_grads=True)
    for index, node in enumerate(network.inputs):
        answer.gradients[f"input {index}"] = canonical(gradients[index], node.output)
    by_name = dict(zip(parameters, gradients[len(inputs) :], strict=True))
    state, specs = model.module.state_dict(), network.weight_specs()
    names = torch_names(network)
    for name in keras_names(network):
        (dotted, bind), shape = names[name], specs[name].shape
        if dotted in by_name:
            answer.gradients[name] = bind.to_canonical(by_name[dotted].numpy(), shape)
        else:
            answer.statistics[name] = bind.to_canonical(state[dotted].numpy(), shape)
    return answer


def answers_everywhere(
    peers: Peers, network: Network, weights: dict[str, Array], **sizes: int
) -> dict[str, Answer]:
    """Return what each backend gives, all canonical: "pytorch", and Keras by its framework."""
    case = keras_case(network, weights, **sizes)
    answers = peers.ask(case)
    for framework, answer in answers.items():
        assert not answer.error, f"{framework}: {answer.error}\n{case.source}"
        canonical_answer(network, answer)
    return {**answers, "pytorch": torch_answer(network, weights, case)}


def forward_difference(answers: dict[str, Answer]) -> float:
    """Return the largest difference of any two backends: outputs and moving statistics.

    Where numbers grow beyond 1, as products and sums over time do, it is a share of the largest.
    """
    columns = [
        [*answer.outputs, *answer.trained, *(v for _, v in sorted(answer.statistics.items()))]
        for answer in answers.values()
    ]
    spreads = [
        _spread(arrays) / max(1.0, *(float(np.abs(a).max(initial=0)) for a in arrays))
        for arrays in zip(*columns, strict=True)
    ]
    return max(spreads, default=0.0)


def gradient_difference(answers: dict[str, Answer]) -> float:
    """Return the largest difference of any two backends, as a share of the largest gradient.

    Where all are nearly zero, but for rounding, it is a share of 1e-3.
    """
    names = [set(answer.gradients) for answer in answers.values()]
    assert all(found == names[0] for found in names), names
    largest = max(
        (np.abs(value).max() for answer in answers.values() for value in answer.gradients.values()),
        default=0.0,
    )
    largest = max(largest, 1e-3)
    spreads = [_spread([a.gradients[name] for a in answers.values()]) for name in names[0]]
    return float(max(spreads) / largest)


def canonical_answer(network: Network, answer: Answer) -> Answer:
    """Return a peer's answer with weights in the canonical layout."""
    specs, binds = network.weight_specs(), keras_names(network)
    for values in (answer.gradients, answer.statistics):
        for name in values:
            if name in binds:
                values[name] = binds[name][1].to_canonical(values[name], specs[name].shape)
    return answer


def _spread(arrays: Any) -> float:
    assert len({array.shape for array in arrays}) == 1, [array.shape for array in arrays]
    stacked = np.stack([array.astype(np.float64) for array in arrays])
    assert np.isfinite(stacked).all()
    return float(np.ptp(stacked, axis=0).max()) if stacked.size else 0.0


def _canonical(model: Compiled, outputs: list[Any]) -> list[Array]:
    pairs = zip(outputs, model.network.outputs, strict=True)
    return [canonical(tensor, node.output) for tensor, node in pairs]


def _tensor(array: Array, kind: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(moved(array, kind)))


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, tuple) else [outputs]
