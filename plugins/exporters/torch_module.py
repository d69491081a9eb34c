"""The trained network as a PyTorch module, made from the generated code alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.backends.torch_code import generate, torch_names

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


def channels_first(request: ExportRequest) -> tuple[int, ...] | None:
    """Return how a prepared batch is permuted for the module; None: it is taken as it is."""
    tensor = request.network.inputs[0].output
    if "height" not in tensor.axes:
        return None
    last = tensor.rank
    return (0, last, *range(1, last))


def run_source(request: ExportRequest, module: str) -> str:
    """Return `run(file, inputs) -> outputs` around an expression of the loaded module."""
    order = channels_first(request)
    permuted = f".permute{order}.contiguous()" if order else ""
    return (
        "\n\ndef run(file, inputs):\n"
        f"    model = {module}.eval()\n"
        "    with torch.no_grad():\n"
        f"        return model(torch.from_numpy(inputs){permuted}).numpy()\n"
    )
