"""The trained network as a PyTorch module, made from the generated code alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.pytorch.backend import without_torch
from plugins.backends.pytorch.code import boundary_layout, generate, torch_names
from plugins.exporters.samples import samples_of
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.plugin_api.code import GeneratedCode
    from workbench.plugin_api.exporter import ExportRequest
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType


def lacking_code(network: Network) -> list[Limit]:
    """Refuse layers of plug-ins that have no PyTorch code."""
    return [
        Limit(
            message=f"{node.layer.title} has no PyTorch code, which {node.id} needs.",
            node=node.id,
            refuses=True,
        )
        for node in without_torch(network)
    ]


def torch_state(request: ExportRequest) -> tuple[GeneratedCode, Mapping[str, Any]]:
    """Return the generated module's source and its complete state dict, buffers included."""
    code, module = torch_module(request)
    return code, module.state_dict()


def torch_module(request: ExportRequest) -> tuple[GeneratedCode, Any]:
    """Return the generated module's source, and the module with its weights, ready to answer."""
    import torch

    code = generate(request.network)
    place = str(request.assets.with_name("model.py"))
    namespace: dict[str, Any] = {"__name__": "exported", "__file__": place}
    exec(compile(code.source, "<generated module>", "exec"), namespace)
    module = namespace[code.class_name]()
    state = module.state_dict()
    for name, (torch_name, bind) in torch_names(request.network).items():
        state[torch_name] = torch.from_numpy(bind.to_framework(request.weights[name])).to(
            state[torch_name].dtype
        )
    module.load_state_dict(state)
    return code, module.eval()


def located(source: str, request: ExportRequest) -> str:
    """Return the generated module's source for a script that lies elsewhere than its assets."""
    if not request.experiment.assets:
        return source
    place = str(request.assets.resolve().with_name("model.py"))
    return f"__file__ = {place!r}\n{source}"


def example_arguments(request: ExportRequest) -> tuple[Any, ...]:
    """Return two samples as the module takes them: of one, an export would fix the batch to 1."""
    import torch

    kind = request.network.inputs[0].output
    inputs, *lengths = samples_of(request, request.sample_inputs).asked()[0]
    samples = torch.from_numpy(np.resize(inputs, (2, *inputs.shape[1:])))
    if boundary_layout(kind) == "channels_first":
        samples = samples.movedim(-1, 1)
    return samples.contiguous(), *(torch.from_numpy(np.resize(each, 2)) for each in lengths)


def axes_in_words(kind: TensorType) -> str:
    """Return how the module takes or gives a tensor: "batch × channels 3 × height 8 × width 8"."""
    axes = [
        name if size is None else f"{name} {size}"
        for name, size in zip(kind.axes, kind.shape, strict=True)
    ]
    if boundary_layout(kind) == "channels_first":
        axes = [axes[-1], *axes[:-1]]
    return " × ".join(("batch", *axes))


def boundary_orders(network: Network) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return how the axes of a canonical batch are ordered for the module, and its outputs back."""
    inside, outside = network.inputs[0].output, network.outputs[0].output
    inward, outward = tuple(range(inside.rank + 1)), tuple(range(outside.rank + 1))
    if boundary_layout(inside) == "channels_first":
        inward = (0, inside.rank, *range(1, inside.rank))
    if boundary_layout(outside) == "channels_first":
        outward = (0, *range(2, outside.rank + 1), 1)
    return inward, outward


def module_call(request: ExportRequest, model: str, batch: str) -> str:
    """Return an expression of canonical outputs for a canonical NumPy batch.

    Where samples differ in length, the variable `lengths` holds how many steps of each are real.
    """
    inward, outward = boundary_orders(request.network)
    given = f"torch.from_numpy({batch})"
    if inward != tuple(sorted(inward)):
        given += f".permute{inward}.contiguous()"
    lengths = ", torch.from_numpy(lengths)" if request.network.varying else ""
    answer = f"{model}({given}{lengths})"
    if outward != tuple(sorted(outward)):
        answer += f".permute{outward}"
    return f"{answer}.numpy()"


def run_source(request: ExportRequest, module: str, *, in_evaluation: bool = True) -> str:
    """Return `prepare(file) -> (inputs -> outputs)` around an expression of the loaded module.

    Args:
        in_evaluation: call eval() first; exported programs are in that mode for good.
    """
    evaluated = ".eval()" if in_evaluation else ""
    return (
        "\n\ndef prepare(file):\n"
        f"    model = {module}{evaluated}\n\n"
        "    def answer(inputs, lengths=None):\n"
        "        with torch.no_grad():\n"
        f"            return {module_call(request, 'model', 'inputs')}\n\n"
        "    return answer\n"
    )
