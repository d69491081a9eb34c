"""Says where the adapters in a folder of Hugging Face's peft belong in a network.

Layout: https://huggingface.co/docs/peft/developer_guides/checkpoint. Of the kinds of adapters that
peft has, LoRA of linear layers is read, with one rank and one alpha.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from workbench.errors import UserError
from workbench.plugin_api.adapter_files import AdaptedLayer
from workbench.plugin_api.adapters import A, B
from workbench.plugin_api.layer import is_in
from workbench.worker.weights.adapters_file import CONFIG, WEIGHTS, Plan
from workbench.worker.weights.file import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.analysis.weights import Stored
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.worker.weights.file import WeightsFile

LARGEST = 1 << 20
"""Bytes of a configuration."""
_PREFIX = "base_model.model."
_FACTORS = {".lora_A.weight": A, ".lora_B.weight": B}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What of adapter_config.json decides what the adapters compute."""

    peft_type: str = ""
    r: Annotated[int, msgspec.Meta(ge=1)] = 8
    lora_alpha: Annotated[float, msgspec.Meta(gt=0)] = 8
    use_rslora: bool = False
    use_dora: bool = False
    rank_pattern: dict[str, Any] | None = None
    alpha_pattern: dict[str, Any] | None = None

    @property
    def alpha(self) -> float:
        """Alpha that is divided by the rank; rsLoRA divides by its root."""
        return self.lora_alpha * math.sqrt(self.r) if self.use_rslora else self.lora_alpha


def weights_file(folder: Path) -> Path:
    """Return the file with the adapters' weights; raises UserError where there is none."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder} holds no {WEIGHTS[0]}.", "Save the adapters again.")


def peft_plan(folder: Path, file: WeightsFile, network: Network) -> Plan:
    """Return where the arrays of a folder of peft belong.

    Raises:
        UserError: they are no LoRA, or of another network.
    """
    config = _config(folder / CONFIG)
    stored = {each.name.removeprefix(_PREFIX): each for each in file.stored}
    modules = [name.removesuffix(".lora_A.weight") for name in stored if ".lora_A." in name]
    if not modules:
        raise UserError(
            f"{folder.name} holds no LoRA of linear layers.", "Other kinds are not read."
        )
    block, names = _matched(modules, network, folder.name)
    matrices = block.layer.projections(block.input_types)
    sources: dict[str, tuple[Stored, bool]] = {}
    for module, ours in names.items():
        for ending, form in _FACTORS.items():
            if (theirs := module + ending) not in stored:
                raise damaged(folder.name, f"{theirs} is missing")
            turned = not matrices[ours].outputs_first
            sources[f"{block.id}/{form.format(ours)}"] = stored.pop(theirs), turned
    head = _head(stored, block, network)
    unused = tuple(name for name, each in stored.items() if each not in dict(head.values()))
    layer = AdaptedLayer(
        id=block.id,
        title=block.layer.title,
        rank=config.r,
        alpha=config.alpha,
        matrices=dict.fromkeys(names.values(), ""),
    )
    return Plan("PEFT", (layer,), sources | head, tuple(head), unused)


def _config(path: Path) -> Config:
    try:
        with path.open("rb") as stream:
            found = msgspec.json.decode(stream.read(LARGEST), type=Config)
    except (OSError, msgspec.DecodeError) as error:
        raise damaged(path.name, error) from error
    if found.peft_type != "LORA" or found.use_dora:
        kind = "DoRA" if found.use_dora else found.peft_type or "another kind"
        raise UserError(f"The adapters are {kind}, and only LoRA can be applied.")
    if found.rank_pattern or found.alpha_pattern:
        raise UserError(
            "The adapters have several ranks or alphas, and a layer here has one of each.",
            "Merge them with peft, and import the network with its new weights.",
        )
    return found


def _matched(
    modules: list[str], network: Network, name: str
) -> tuple[ResolvedNode, dict[str, str]]:
    """Return the layer that has all of these modules, and what it calls their matrices.

    peft names them as they were called in the class that was trained, which may be around the one
    that is here, or in it: "bert.encoder.…" and "encoder.…".
    """
    missing = modules[0]
    for node in network.nodes:
        ours = node.layer.projections(node.input_types)
        found = {module: _named(module, ours) for module in modules}
        if all(found.values()):
            return node, found
        if any(found.values()):
            missing = next(module for module, own in found.items() if not own)
    raise UserError(
        f"No layer of this network has a matrix “{missing}”, which the adapters in {name} change.",
        "Apply them to the network that they were trained on.",
    )


def _named(module: str, ours: Mapping[str, Any]) -> str:
    """Return which matrix a module means: the one whose name ends alike; empty if none does."""
    name = f"{module}.weight"
    if name in ours:
        return name
    found = [own for own in ours if name.endswith(f".{own}") or own.endswith(f".{name}")]
    return found[0] if len(found) == 1 else ""


def _head(
    stored: Mapping[str, Stored], block: ResolvedNode, network: Network
) -> dict[str, tuple[Stored, bool]]:
    """Return the weights of the network's own head, for the Dense layer that stands for it."""
    path = getattr(block.layer, "without", "")
    after = [node for node in network.nodes if node.inputs == (block.id,)]
    if not path or len(after) != 1 or after[0].layer.id != "Dense":
        return {}
    found = {}
    for name, each in stored.items():
        last = name.rpartition(".")[2]
        if is_in(name, path) or f".{path}." in f".{name}":
            ours = {"weight": "kernel", "bias": "bias"}.get(last, "")
            if ours in after[0].weights:
                found[f"{after[0].id}/{ours}"] = each, ours == "kernel"
    return found
