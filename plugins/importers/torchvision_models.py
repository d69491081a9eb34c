"""Networks of torchvision.models, by name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from plugins.importers._downloading import fetch
from plugins.importers._torch_models import Recipe, TorchLibrary, unknown_weights
from workbench.document.experiment import Component
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.plugin_api.importer import Architecture, Published


class TorchvisionImporter(TorchLibrary):
    """ImageNet classifiers of torchvision; weights in PyTorch's hub cache are used from there."""

    id = "torchvision"
    title = "torchvision"
    help = "PyTorch's own collection of networks for pictures."
    package = "torchvision"
    install = "pip install torchvision"

    def names(self) -> Sequence[str]:
        """Return what the torchvision that is here can build."""
        from torchvision import models

        found: Sequence[str] = models.list_models(module=models)
        return found

    def architecture(self, name: str) -> Architecture:
        """Return one of them; raises NotCoveredError for what is no classifier of pictures."""
        try:
            return super().architecture(name)
        except UserError:
            from torchvision import models

            if name in models.list_models():
                raise NotCoveredError(
                    f"{name} does not tell classes of pictures, and only networks of torchvision "
                    "that do can be imported.",
                    "Take such a network as a body; `workbench models list torchvision` names "
                    "them.",
                ) from None
            raise

    def build(self, name: str, classes: int | None = None) -> Any:
        """Return a network of torchvision.models."""
        from torchvision import models

        options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
        if name in ("googlenet", "inception_v3"):
            options["init_weights"] = False  # takes minutes, and says so
        return models.get_model(name, weights=None, **options)

    def options(self, module: Any) -> Mapping[str, Any]:
        """Return the number of classes, which is that of the last layer with a bias."""
        last = [value for name, value in module.named_parameters() if name.endswith("bias")][-1]
        classes = {} if len(last) == 1000 else {"num_classes": len(last)}
        return {"weights": None, **classes}

    def published(self, name: str, weights: str, tell: Callable[[str], None]) -> Any:
        """Return a network with weights of torchvision's list."""
        from torchvision import models

        kinds = models.get_model_weights(name)
        if weights not in kinds.__members__:
            raise unknown_weights(name, weights, (kind.name for kind in kinds))
        chosen = kinds[weights]
        checkpoint(chosen.url, tell)
        return models.get_model(name, weights=chosen)

    def recipe(self, module: Any, name: str, published: str) -> Recipe:
        """Return the preset that belongs to the weights, or to the default ones."""
        from torchvision import models

        kinds = models.get_model_weights(name)
        weights = kinds[published] if published else kinds.DEFAULT
        preset = weights.transforms()
        size, around = preset.crop_size[0], preset.resize_size[0]
        if (own := getattr(module, "image_size", size)) != size:  # made for no weights, or others
            size, around = own, round(own * around / size)
        params: dict[str, Any] = {
            "height": size,
            "width": size,
            "channels": "rgb",
            "resize": "crop",
            "crop_share": round(size / around, 6),
            "interpolation": preset.interpolation.value,
        }
        params |= scale(preset.mean, preset.std)
        classes = tuple(weights.meta.get("categories", ()))
        return Recipe((size, size, 3), Component("image", params), classes)

    def is_here(self, weights: Published) -> bool:
        """Look into PyTorch's hub cache, whose place TORCH_HOME moves."""
        return bool(weights.file) and (_hub() / weights.file).is_file()


def scale(mean: Any, deviation: Any) -> Mapping[str, Any]:
    """Return the settings of pictures for a mean and a deviation of 0…1 values."""
    given = [float(value) for value in mean], [float(value) for value in deviation]
    known = {
        "zero_one": ([0.0] * 3, [1.0] * 3),
        "minus_one_one": ([0.5] * 3, [0.5] * 3),
        "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    }
    for name, numbers in known.items():
        if numbers == given:
            return {"scaling": name}
    return {"scaling": "given", "mean": given[0], "deviation": given[1]}


def checkpoint(url: str, tell: Callable[[str], None]) -> Path:
    """Return weights in PyTorch's hub cache, downloaded unless they are there.

    Libraries load them from there as pickles of any sort: so it is made sure that they are none
    but of arrays.

    Raises:
        UserError: they cannot be had, are damaged, or hold more than arrays.
    """
    import torch

    name = Path(urlsplit(url).path).name
    digits = re.search(r"-([a-f0-9]{8,})\.", name)  # of its hash, by torch.hub's custom
    file = fetch(url, _hub() / name, tell, digits[1] if digits else "")
    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{name} in {file.parent} cannot be loaded: {first_line(error).rstrip('.')}.",
            "Delete it there, so that it is downloaded again.",
        ) from error
    return file


def _hub() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"
