"""Networks of timm (PyTorch Image Models), by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.importers._hub import hub_file, is_cached
from plugins.importers._torch_models import Recipe, TorchLibrary, unknown_weights
from plugins.importers.torchvision_models import checkpoint, scale
from workbench.document.experiment import Component
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.plugin_api.importer import Architecture, Arrays, Guess, Published

FILES = ("model.safetensors", "pytorch_model.bin")
"""What weights are called in a repository of the hub."""


class TimmImporter(TorchLibrary):
    """Classifiers of timm; weights in the Hugging Face cache are used from there."""

    id = "timm"
    title = "timm"
    help = "The largest collection of networks for pictures, by Ross Wightman."
    package = "timm"
    install = 'pip install "neural-workbench[pretrained]"'

    def names(self) -> Sequence[str]:
        """Return what the timm that is here can build; nothing where there is none."""
        if not self.availability().ok:
            return ()
        import timm

        found: Sequence[str] = timm.list_models()
        return found

    def architecture(self, name: str) -> Architecture:
        """Return one of them; timm's own way to name weights, too, is told."""
        base, _, tag = name.removeprefix("timm/").partition(".")
        if tag and base in self.names():
            raise UserError(
                f"“{name}” names a network and its weights.",
                f"Did you mean {base} with the weights {tag}?",
            )
        return super().architecture(name)

    def guesses(self, arrays: Arrays) -> Sequence[Guess]:
        """Return likely architectures; of two that differ in padding alone, that of TensorFlow.

        efficientnet_pytorch has other names for the same weights, and all it has were made by
        TensorFlow, whose padding and epsilon the networks called "tf_…" have.
        """
        found = super().guesses(arrays)
        is_tensorflow = any("_conv_stem." in name for name in arrays.shapes)
        return sorted(
            found, key=lambda each: (each.rank, each.name.startswith("tf_") != is_tensorflow)
        )

    def build(self, name: str, classes: int | None = None) -> Any:
        """Return a network of timm."""
        import timm

        options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
        return timm.create_model(name, pretrained=False, **options)

    def options(self, module: Any) -> Mapping[str, Any]:
        """Return the number of classes, where it is not the usual one."""
        return {} if module.num_classes == 1000 else {"num_classes": module.num_classes}

    def published(self, name: str, weights: str, tell: Callable[[str], None]) -> Any:
        """Return a network with weights by their tag, through timm's own loader."""
        import timm
        from timm.models import get_pretrained_cfg

        tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
        if weights not in tags:
            raise unknown_weights(name, weights, tags)
        found = get_pretrained_cfg(f"{name}.{weights}")
        options: dict[str, Any] = {}
        if not found.custom_load:
            if found.hf_hub_id:
                names = (found.hf_hub_filename,) if found.hf_hub_filename else FILES
                if (file := hub_file(found.hf_hub_id, names, tell)) is not None:
                    options["pretrained_cfg_overlay"] = {"file": str(file)}
            elif isinstance(found.url, str):
                checkpoint(found.url, tell)
        return timm.create_model(f"{name}.{weights}", pretrained=True, **options)

    def recipe(self, module: Any, name: str, published: str) -> Recipe:
        """Return what timm's configuration of the weights says."""
        from timm.data import ImageNetInfo, resolve_model_data_config

        data = resolve_model_data_config(module)
        channels, height, width = data["input_size"]
        if channels != 3:
            raise UserError(f"{name} takes {channels} channels, but pictures have three.")
        params: dict[str, Any] = {
            "height": height,
            "width": width,
            "channels": "rgb",
            "resize": {"squash": "stretch", "border": "pad"}.get(data["crop_mode"], "crop"),
            "interpolation": {"random": "bilinear"}.get(
                data["interpolation"], data["interpolation"]
            ),
        }
        if params["resize"] == "crop":
            params["crop_share"] = float(data["crop_pct"])
        params |= scale(data["mean"], data["std"])
        info = ImageNetInfo("imagenet-1k")
        names = (info.index_to_description(i) for i in range(info.num_classes()))
        classes = tuple(name.split(",")[0] for name in names)  # the first of several synonyms
        return Recipe((height, width, 3), Component("image", params), classes)

    def is_here(self, weights: Published) -> bool:
        """Look into the Hugging Face cache, whose place HF_HOME or HF_HUB_CACHE moves."""
        return is_cached(weights.file)
