"""`lora`: adapters that are trained instead of a network's own weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workbench.analysis.adapting import EVERY, adapters_in_words, add_adapters, remove_adapters
from workbench.catalog import Catalog
from workbench.cli.design import check_whole, examine, open_experiment, start_of, target_of
from workbench.cli.parser import WrongUsage
from workbench.document.files import save
from workbench.document.graph import LoRA

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output
    from workbench.document.experiment import Experiment


def adapt(options: argparse.Namespace, output: Output) -> int:
    """Give the body of an experiment's network adapters, or remove all."""
    catalog = Catalog.load()
    experiment = open_experiment(options.file)
    if options.load is not None:
        return _load(options, experiment, catalog, output)
    if options.remove:
        changed = remove_adapters(experiment)
    else:
        lora = wanted_adapters(options)
        assert lora is not None
        changed = add_adapters(experiment, examine(experiment, catalog).network, lora)
    network = examine(changed, catalog).network
    path = save(changed, target_of(options))
    output.say(f"{path} written. {adapters_in_words(network)}".rstrip())
    adapted = {node.id: list(node.adapters) for node in network.nodes if node.adapters}
    output.result(
        {
            "file": str(path),
            "adapters": adapted,
            "parameters": network.parameters,
            "trained_parameters": network.trained_parameters,
        }
    )
    return 0


def _load(
    options: argparse.Namespace, experiment: Experiment, catalog: Catalog, output: Output
) -> int:
    """Apply a file of adapters."""
    from workbench.worker.weights.applying import load_adapters

    network = examine(experiment, catalog).network
    check_whole(network, experiment)
    target = target_of(options)
    changed, report = load_adapters(options.load, experiment, network, start_of(target))
    written = save(changed, target)
    if not output.as_json:
        told, *rest = report.lines()
        output.say(f"{written} written. {told}")
        for line in rest:
            output.note(line)
    output.result({"file": str(written), "start": changed.start, "report": report})
    return 0


def wanted_adapters(options: argparse.Namespace) -> LoRA | None:
    """Return the adapters that options ask for; None where they ask for none."""
    if not options.lora:
        if options.lora_alpha is not None or options.lora_on:
            raise WrongUsage("--lora-alpha and --lora-on need --lora RANK.", "--lora 8")
        return None
    alpha = 2.0 * options.lora if options.lora_alpha is None else options.lora_alpha
    words = options.lora_on or []
    on = EVERY if "all" in words else tuple(words)
    try:
        return msgspec.convert({"rank": options.lora, "alpha": alpha, "on": on}, LoRA)
    except msgspec.ValidationError as error:
        raise WrongUsage(
            f"These adapters cannot be: {error}.", "--lora 8 --lora-alpha 16"
        ) from error
