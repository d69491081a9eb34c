"""LoRA adapters as Hugging Face's peft writes them: adapter_config.json and its weights.

Names and layouts are those of `peft.PeftModel.save_pretrained`
(https://huggingface.co/docs/peft/developer_guides/checkpoint): "base_model.model.", the module's
name, then lora_A (rank × inputs) or lora_B (outputs × rank).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save

from plugins.exporters.adapters_alone import NONE, AdaptersAlone, run_on_base
from plugins.exporters.torch_module import lacking_code
from workbench.files import write_atomically
from workbench.plugin_api.adapters import A, B, factor_names
from workbench.plugin_api.exporter import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.plugin_api.exporter import ExportRequest, Outputs
    from workbench.plugin_api.network import Network, ResolvedNode

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."


class PeftExporter(AdaptersAlone):
    """A folder that `PeftModel.from_pretrained(network, folder)` reads."""

    id = "peft"
    title = "PEFT adapters"
    help = "The adapters alone, as Hugging Face's peft applies them to the same network."

    def concerns(self, network: Network) -> bool:
        """Whether a network of transformers has adapters."""
        return _block(network) is not None

    def limits(self, network: Network) -> Sequence[Limit]:
        """Refuse what is no network of transformers; say which adapters have no place there."""
        block = _block(network)
        if block is None:
            words = "peft's adapters belong to a network of transformers; this one has none."
            return [Limit(message=words if factor_names(network) else NONE, refuses=True)]
        others = [node for node in network.nodes if node.adapters and node.id != block.id]
        found = [
            Limit(message="Its adapters are left out: it is no part of that network.", node=node.id)
            for node in others
        ]
        odd = [name for name in block.adapters if not name.endswith(".weight")]
        if odd:
            words = f"peft has no adapters for “{odd[0]}”, which is no linear layer's."
            found.append(Limit(message=words, node=block.id, refuses=True))
        return found

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write both files into a folder."""
        block = _block(request.network)
        assert block is not None
        path.mkdir()
        arrays = _arrays(block, request.weights) | _head_arrays(request, block)
        content = save({f"{PREFIX}{n}": np.ascontiguousarray(a) for n, a in arrays.items()})
        write_atomically(path / WEIGHTS, content)
        text = json.dumps(_config(block, arrays), indent=2, sort_keys=True)
        write_atomically(path / CONFIG, text.encode())
        return (path,)

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say what the folder is for."""
        block = _block(request.network)
        name = getattr(block.layer, "architecture", "") if block else ""
        return [f"For PeftModel.from_pretrained(model, folder), model being the same {name}."]

    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> Outputs | None:
        """Add what the files say to the base's matrices in a separate process, as peft does."""
        block = _block(request.network)
        if block is None or lacking_code(request.network):
            return None
        turned = [name for name, one in block.adapters.items() if not one.outputs_first]

        def program(base: str) -> tuple[str, str]:
            added = _ADD.format(base=base, node=block.id, turned=turned)
            return added, "load_adapted(file)"

        return run_on_base(request, path, inputs, _at_start(request, block), program)


_ADD = """

def load_adapted(folder):
    import json

    with open(folder + "/adapter_config.json") as file:
        config = json.load(file)
    model = load({base!r})
    state = model.state_dict()
    arrays = load_file(folder + "/adapter_model.safetensors")
    for name, a in arrays.items():
        if name.endswith(".lora_A.weight"):
            module = name[: -len(".lora_A.weight")]
            change = config["lora_alpha"] / config["r"] * arrays[module + ".lora_B.weight"] @ a
            own = module[len("base_model.model.") :] + ".weight"
            change = change.T if own in {turned!r} else change
            state[TABLE[{node!r} + "/" + own][0]] += torch.from_numpy(np.array(change))
    model.load_state_dict(state)
    return model
"""


def _block(network: Network) -> ResolvedNode | None:
    """Return the network of transformers that has adapters."""
    found = (node for node in network.nodes if node.adapters)
    return next((n for n in found if getattr(n.layer, "library", "") == "transformers"), None)


def _arrays(
    block: ResolvedNode, weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return lora_A (rank × inputs) and lora_B (outputs × rank) of each module."""
    found = {}
    for name, projection in block.adapters.items():
        module = name.removesuffix(".weight")
        for form, kind in ((A, "lora_A"), (B, "lora_B")):
            array = weights[f"{block.id}/{form.format(name)}"]
            found[f"{module}.{kind}.weight"] = array if projection.outputs_first else array.T
    return found


def _head_arrays(request: ExportRequest, block: ResolvedNode) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the linear layer that stands for the network's own head."""
    path = getattr(block.layer, "without", "")
    after = [node for node in request.network.nodes if node.inputs == (block.id,)]
    if not path or len(after) != 1 or after[0].layer.id != "Dense":
        return {}
    kernel, bias = (f"{after[0].id}/{name}" for name in ("kernel", "bias"))
    found = {f"{path}.weight": request.weights[kernel].T}
    return found | ({f"{path}.bias": request.weights[bias]} if bias in request.weights else {})


def _config(block: ResolvedNode, arrays: Mapping[str, Any]) -> dict[str, Any]:
    assert block.lora is not None
    head = [name for name in arrays if ".lora_" not in name]
    turned = [projection for projection in block.adapters.values() if not projection.outputs_first]
    return {
        "peft_type": "LORA",
        "auto_mapping": {
            "base_model_class": getattr(block.layer, "architecture", ""),
            "parent_library": "transformers",
        },
        "base_model_name_or_path": None,
        "bias": "none",
        "fan_in_fan_out": bool(turned),
        "inference_mode": True,
        "lora_alpha": block.lora.alpha,
        "lora_dropout": 0.0,
        "modules_to_save": sorted({name.rpartition(".")[0] for name in head}) or None,
        "r": block.lora.rank,
        "target_modules": [name.removesuffix(".weight") for name in block.adapters],
        "task_type": None,
        "use_dora": False,
        "use_rslora": False,
    }


def _at_start(request: ExportRequest, block: ResolvedNode) -> dict[str, NDArray[np.float32]]:
    """Return all weights, those of the block's adapters as if they changed nothing."""
    idle = {f"{block.id}/{B.format(name)}" for name in block.adapters}
    return {
        name: np.zeros_like(array) if name in idle else array
        for name, array in request.weights.items()
    }
