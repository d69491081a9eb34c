"""What exported Python scripts of every framework share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.exporters.sources import join_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.exporter import ExportRequest

LINE = 88
"""Longer displays are broken, one item a line."""
_READS: dict[str, tuple[tuple[str, ...], str]] = {
    "pictures": (("pillow",), "picture.png"),
    "texts": (("tokenizers",), "text.txt"),
    "series": ((), "series.csv"),
    "timelines": ((), "series.csv"),
    "tables": ((), "rows.csv"),
}
"""What reads samples of each kind, and a file of that kind."""


@dataclass(frozen=True)
class Framework:
    """How a script's framework loads and asks the network.

    Attributes:
        packages: what must be installed besides NumPy and what reads samples.
        imports: lines that the rest needs.
        model: the network's type.
        weights_suffix: of the file beside the script.
        load: statements that return the network with the weights of the file WEIGHTS.
        forward: statements that return the outputs of `model` for `batch`, canonical arrays both;
            where samples differ in length, `lengths` holds how many steps of each are real.
        before: statements that must come before the framework is imported.
    """

    packages: tuple[str, ...]
    imports: str
    model: str
    weights_suffix: str
    load: Sequence[str]
    forward: Sequence[str]
    before: str = ""


def script_source(request: ExportRequest, name: str, network: str, framework: Framework) -> str:
    """Return a script called `name`: the network's source, preprocessing, classes, a command."""
    task = request.task.python_source(request.network)
    return join_sources(
        _docstring(request, name, framework.packages),
        network,
        request.preprocessing.python_source(dict(request.fitted)),
        task if "\ndef told(" in f"\n{task}" else f"{task.rstrip()}\n\n{_TOLD}",
        _main(request, framework),
        before=framework.before,
    )


def _docstring(request: ExportRequest, name: str, packages: Sequence[str]) -> str:
    readers, file = _READS[request.info.kind]
    needed = ["numpy", *packages, *readers]
    title = " ".join(request.experiment.name.replace("\\", "").replace('"', "").split())
    return (
        f"{title or 'A network'}: {request.task.does(request.info)}; made with Neural Workbench."
        "\n\n"
        f"Needs {', '.join(needed[:-1])} and {needed[-1]}:\n\n"
        f"    python {name} {file} …"
    )


def _listed(classes: Sequence[str]) -> str:
    """Return a list display; every JSON string is a Python string, too."""
    names = [json.dumps(name) for name in classes]
    line = f"[{', '.join(names)}]"
    return line if len(line) <= LINE else "[\n    " + ",\n    ".join(names) + ",\n]"


def _names(request: ExportRequest) -> str:
    """Return what answers are called; of numbers also the scale that they were learned on."""
    info, fitted = request.info, request.fitted
    if not info.quantities:
        return f"CLASSES = {_listed(info.classes)}"
    return (
        f"QUANTITIES = {_listed(info.quantities)}\n"
        f"TARGET_OFFSET = {fitted['target_offset']!r}\n"
        f"TARGET_SCALE = {fitted['target_scale']!r}"
    )


def _body(statements: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in statements)


def _main(request: ExportRequest, framework: Framework) -> str:
    varies = bool(request.network.varying)
    parameter = ", lengths: np.ndarray" if varies else ""
    about = "\n\n    `lengths` are the real steps of each sample.\n    " if varies else ""
    one = ", np.full(len(batch), batch.shape[1])" if varies else ""
    rank = request.network.inputs[0].output.rank
    return f'''
import sys
from pathlib import Path

import numpy as np
{framework.imports}

{_names(request)}
WEIGHTS = Path(__file__).with_suffix("{framework.weights_suffix}")


def load_model() -> {framework.model}:
    """Return the trained network, ready to answer."""
{_body(framework.load)}


def forward(model: {framework.model}, batch: np.ndarray{parameter}) -> np.ndarray:
    """Return the outputs for prepared samples, features or channels last.{about}"""
{_body(framework.forward)}


def main() -> None:
    """Print what the network answers to each file."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model = load_model()
    failed = False
    for path in sys.argv[1:]:
        try:
            prepared = load(path)
        except Exception as error:  # decoders fail with all sorts
            print(f"{{path}} cannot be used: {{error}}", file=sys.stderr)
            failed = True
            continue
        batch = prepared if prepared.ndim > {rank} else prepared[None]
        print(path, told(forward(model, batch{one}), path), sep="\\t")
    sys.exit(failed)


if __name__ == "__main__":
    main()
'''


_TOLD = '''
def told(outputs: np.ndarray, path: str) -> str:
    """Return the likeliest classes of a file, or of each row in it, with their probabilities."""
    lines = [
        "\\t".join(f"{label} {100 * share:.1f} %" for label, share in answers(row, CLASSES)[:3])
        for row in outputs
    ]
    return lines[0] if len(lines) == 1 else "\\n".join(["", *lines])
'''

READER = """
import importlib.util


def prepare(file):
    spec = importlib.util.spec_from_file_location("exported", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.load_model()
    return lambda *given: module.forward(model, *given)
"""
"""Imports a script, and lets it answer prepared samples."""
