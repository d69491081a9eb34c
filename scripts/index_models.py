"""Writes resources/models/*.json: what is known of each architecture without its library.

    python scripts/index_models.py torchvision timm keras     # names, sizes, marks of the weights
    python scripts/index_models.py --try torchvision timm     # which of them turn into layers
    python scripts/index_models.py --try --again unbind timm  # blocks for that reason, once more

The second is slow: it takes all of torchvision and keras, and of timm the smallest network of
each kind (by the first word of its name), and compares each with its original on random inputs.
It goes on where it stopped, smallest first, and writes docs/pretrained.md from what it found.
Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import re
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import resources
from plugins.importers._index import Entry, entries, marks
from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.plugin_api.importer import ImportRequest, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST = 120_000_000
"""Larger networks of timm are not tried: they do what smaller ones of their family do."""
USUAL = ("tf_efficientnet_lite", "resnet", "mobilenet", "convnext", "efficientnet", "regnet")
"""What most people look for comes first: indexing all of timm takes a while."""


def torchvision_entries() -> Iterator[Entry]:
    """Yield the classifiers of torchvision.models."""
    from torchvision import models

    from plugins.importers._assigning import weights_of
    from plugins.importers.torchvision_models import TorchvisionImporter

    library = TorchvisionImporter()
    for name in models.list_models(module=models):
        module = _without_values(lambda name=name: library.build(name))
        kinds = list(models.get_model_weights(name))
        kinds.sort(key=lambda kind: kind is not models.get_model_weights(name).DEFAULT)
        size = kinds[0].transforms().crop_size[0]
        yield Entry(
            importer="torchvision",
            name=name,
            family=type(module).__module__.split(".")[-1],
            input=(size, size, 3),
            parameters=sum(value.numel() for value in module.parameters()),
            classes=1000,
            weights=tuple(map(_torchvision_weights, kinds)),
            adaptable=_is_adaptable(module, heads=1),
            **marks(weights_of(module)),
        )


def _torchvision_weights(kind: Any) -> Published:
    meta = kind.meta
    metrics = meta.get("_metrics", {}).get("ImageNet-1K", {})
    return Published(
        name=kind.name,
        accuracy=metrics.get("acc@1"),
        licence=meta.get("license", ""),
        size=int(meta.get("_file_size", 0) * 2**20),
        file=kind.url.rpartition("/")[2],
    )


def _without_values(build: Callable[[], Any]) -> Any:
    """Build a network whose weights have shapes alone, or a whole one where its code needs them."""
    import torch

    try:
        with torch.device("meta"):
            return build()
    except NotImplementedError:
        return build()


def _is_adaptable(module: Any, heads: int) -> bool:
    """Return whether there are more linear layers and attentions than are needed for the head."""
    from torch import nn

    kinds = (nn.Linear, nn.MultiheadAttention)
    return sum(isinstance(each, kinds) for each in module.modules()) > heads


def timm_entries() -> Iterator[Entry]:
    """Yield the networks of timm that have a classifier."""
    import timm
    from timm.models import get_pretrained_cfg

    from plugins.importers._assigning import weights_of

    names = timm.list_models(pretrained=False)
    for name in sorted(names, key=lambda name: (not name.startswith(USUAL), name)):
        try:
            module = _without_values(lambda name=name: timm.create_model(name))
        except Exception as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        config = module.default_cfg
        channels, height, width = config.get("input_size", (3, 224, 224))
        if not getattr(module, "num_classes", 0):
            continue
        tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{name}.*")]
        configs = [(tag, get_pretrained_cfg(f"{name}.{tag}")) for tag in tags if tag]
        yield Entry(
            importer="timm",
            name=name,
            family=type(module).__module__.split(".")[-1],
            input=(height, width, channels),
            parameters=sum(value.numel() for value in module.parameters()),
            classes=module.num_classes,
            weights=tuple(
                Published(name=tag, licence=found.license or "", file=found.hf_hub_id or "")
                for tag, found in configs
                if found is not None and found.hf_hub_id
            ),
            adaptable=_is_adaptable(module, heads=1),
            **marks(weights_of(module)),
        )


def keras_entries() -> Iterator[Entry]:
    """Yield the classifiers of keras.applications."""
    from plugins.importers.keras_models import index_entries

    yield from index_entries()


def transformers_entries() -> Iterator[Entry]:
    """Yield networks of the hub whose settings are those that transformers has for their kind."""
    import torch
    import transformers

    for name, kind, licence in HUB:
        config = transformers.AutoConfig.for_model(kind)
        with torch.device("meta"):
            module = transformers.AutoModel.from_config(config)
        size = getattr(config, "image_size", 0) or 0
        if module.main_input_name == "pixel_values":
            size = size or 224
        yield Entry(
            importer="transformers",
            name=name,
            family=kind,
            input=(size, size, 3) if size else (0, 0, 0),
            parameters=sum(value.numel() for value in module.parameters()),
            classes=0,
            weights=(Published(name="hub", licence=licence, file=name),),
            adaptable=_is_adaptable(module, heads=0),
        )


SOURCES: dict[str, Callable[[], Iterator[Entry]]] = {
    "torchvision": torchvision_entries,
    "timm": timm_entries,
    "keras": keras_entries,
    "transformers": transformers_entries,
}
HUB = (
    ("google-bert/bert-base-uncased", "bert", "apache-2.0"),
    ("distilbert/distilbert-base-uncased", "distilbert", "apache-2.0"),
    ("google/electra-small-discriminator", "electra", "apache-2.0"),
    ("google/mobilebert-uncased", "mobilebert", "apache-2.0"),
    ("google/vit-base-patch16-224-in21k", "vit", "apache-2.0"),
    ("facebook/dinov2-base", "dinov2", "apache-2.0"),
    ("microsoft/swin-tiny-patch4-window7-224", "swin", "apache-2.0"),
    ("facebook/convnext-tiny-224", "convnext", "apache-2.0"),
    ("microsoft/resnet-50", "resnet", "apache-2.0"),
)
"""Name, kind and licence as published."""


def main() -> None:
    """Index the libraries that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=tuple(SOURCES))
    parser.add_argument("--try", dest="is_trial", action="store_true")
    parser.add_argument("--again", action="append", default=[], metavar="WORDS of a reason")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.names:
        known = {each.name: each for each in entries(name)}
        if options.is_trial:
            for each in _tried(name, list(known.values()), options.again):
                known[each.name] = each
                _write(name, list(known.values()))
                _table()
        else:
            for count, found in enumerate(SOURCES[name](), 1):
                old = known.get(found.name, found)
                known[found.name] = msgspec.structs.replace(
                    found, covered=old.covered, is_block=old.is_block, reason=old.reason
                )
                if count % 20 == 0:
                    _write(name, list(known.values()))
            _write(name, list(known.values()))
            print(f"{name}: {len(known)} architectures")


def _write(name: str, found: list[Entry]) -> None:
    lines = ",\n".join(
        msgspec.json.encode(_trimmed(each)).decode()
        for each in sorted(found, key=lambda each: each.name)
    )
    path = resources.path("models", f"{name}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _trimmed(entry: Entry) -> dict[str, Any]:
    """Return what differs from the defaults."""
    defaults = msgspec.to_builtins(Entry(importer="", name=""))
    return {
        key: value
        for key, value in msgspec.to_builtins(entry).items()
        if value != defaults[key] or key in ("importer", "name")
    }


def _tried(name: str, known: list[Entry], again: list[str]) -> Iterator[Entry]:
    """Yield architectures with what became of them; only those not tried before.

    Args:
        again: parts of the reasons for which blocks are tried once more.
    """
    catalog = Catalog.load()
    for entry in _chosen(name, known):
        each = entry
        is_done = each.covered or each.is_block
        if is_done and not any(words in each.reason for words in again):
            continue
        is_block = False
        try:
            reason, parameters = _try_to_import(each, catalog)
            each = msgspec.structs.replace(each, parameters=each.parameters or parameters)
            is_block = bool(reason)
        except UserError as error:
            reason = error.message
        except Exception as error:
            traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
        print(f"{name} {each.name}: {'block: ' * is_block}{reason or 'layers'}", flush=True)
        yield msgspec.structs.replace(each, covered=not reason, is_block=is_block, reason=reason)


def _try_to_import(entry: Entry, catalog: Catalog) -> tuple[str, int]:
    """Import a network with lively random weights.

    Returns:
        Why it is a block, or an empty text; and its number of parameters.

    Raises:
        UserError: it is neither layers nor a block.
    """
    from workbench.worker.pretrained.importing import read_checked

    importer = catalog.importers[entry.importer]()
    build = importer.build  # type: ignore[attr-defined]
    importer.build = lambda *given: _lively(build(*given))  # type: ignore[attr-defined]
    request = ImportRequest(source=entry.name)
    imported, network, _ = read_checked(importer, request, catalog)
    return imported.whole, network.parameters


def _lively(module: Any) -> Any:
    """Give each weight and statistic a value of its own, so that none can be mixed up unseen."""
    if not hasattr(module, "named_buffers"):
        return module
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1, generator=generator)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5, generator=generator)
        for parameter in module.parameters():
            if not parameter.is_floating_point():
                continue  # states of random generators
            if parameter.dim() < 2 or parameter.abs().max() < 1e-3:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return module


def _table() -> None:
    """Write docs/pretrained.md."""
    parts = [HEAD]
    for name in SOURCES:
        tried = [each for each in entries(name) if each.covered is not None]
        if not tried:
            continue
        layers = [each.name for each in tried if each.covered]
        blocks = [each for each in tried if each.is_block]
        parts.append(
            f"## {name}\n\nOf {len(entries(name))} networks in the index {len(tried)} were tried. "
            f"{len(layers)} turn into layers:\n\n{', '.join(layers) or 'none'}.\n"
        )
        refused = [each for each in tried if not each.covered and not each.is_block]
        for words, group in (("are kept as a block", blocks), ("cannot be imported", refused)):
            if group:
                rows = "\n".join(f"| {each.name} | {each.reason} |" for each in group)
                parts.append(f"{len(group)} {words}:\n\n| network | why |\n|---|---|\n{rows}\n")
    path = Path(__file__).parent.parent / "docs" / "pretrained.md"
    path.write_text("\n".join(parts), encoding="utf-8")


HEAD = """\
# Which networks can be imported

Written by `scripts/index_models.py --try`. A network is built with random weights, traced, turned
into layers of the catalogue and compared with itself on random inputs: outputs agree to 1e-5 of
their size (or to four times what rounding does to the network itself), and so does the number of
parameters. Where that fails it is kept as one block of its original modules, compared alike. What
is not listed was not tried; importing it does the same comparison.
"""


def _chosen(name: str, known: list[Entry]) -> list[Entry]:
    if name != "timm":
        return sorted(known, key=lambda each: each.parameters)
    smallest: dict[str, Entry] = {}
    for each in sorted(known, key=lambda each: (each.parameters, each.name)):
        if each.parameters <= LARGEST and each.input[2] == 3:
            smallest.setdefault(_kind(each.name), each)
    return list(smallest.values())


def _kind(name: str) -> str:
    """Return the first word of a network's name: "resnet" of resnet18."""
    found = re.match(r"(?:tf_|test_)?[a-z]+", name)
    return found[0] if found else name


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
