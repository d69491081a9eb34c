"""The trained network as a PyTorch module, made from the generated code alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.backends.pytorch.code import boundary_layout, generate, torch_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.plugin_api.code import GeneratedCode
    from workbench.plugin_api.exporter import ExportRequest


def torch_state(request: ExportRequest) -> tuple[GeneratedCode, Mapping[str, Any]]:
    """Return the generated module's source and its complete state dict, buffers included."""
    import torch

    code = generate(request.network)
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code.source, "<generated module>", "exec"), namespace)
    module = namespace[code.class_name]()
    state = module.state_dict()
    for name, (torch_name, bind) in torch_names(request.network).items():
        state[torch_name] = torch.from_numpy(bind.to_framework(request.weights[name])).to(
            state[torch_name].dtype
        )
    module.load_state_dict(state)
    return code, module.state_dict()


def module_call(request: ExportRequest, model: str, batch: str) -> str:
    """Return an expression of canonical outputs for a canonical NumPy batch."""
    given = f"torch.from_numpy({batch})"
    inside = request.network.inputs[0].output
    if inside.rank > 1 and boundary_layout(inside) == "channels_first":
        given += f".permute{(0, inside.rank, *range(1, inside.rank))}.contiguous()"
    # One batch of samples of equal length, whose steps are all real.
    steps = f", torch.full(({batch}.shape[0],), {batch}.shape[1])" if inside.varies else ""
    answer = f"{model}({given}{steps})"
    outside = request.network.outputs[0].output
    if outside.rank > 1 and boundary_layout(outside) == "channels_first":
        answer += f".permute{(0, *range(2, outside.rank + 1), 1)}"
    return f"{answer}.numpy()"


def run_source(request: ExportRequest, module: str) -> str:
    """Return `prepare(file) -> (inputs -> outputs)` around an expression of the loaded module."""
    return (
        "\n\ndef prepare(file):\n"
        f"    model = {module}.eval()\n\n"
        "    def answer(inputs):\n"
        "        with torch.no_grad():\n"
        f"            return {module_call(request, 'model', 'inputs')}\n\n"
        "    return answer\n"
    )
