"""A model card: what the network is, what it was trained on, how good it is, and what to ask.

After Mitchell et al. (2019), Model Cards for Model Reporting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from workbench.files import write_atomically
from workbench.plugin_api.backend import Availability
from workbench.plugin_api.data import METRIC_PREFIXES
from workbench.plugin_api.exporter import Exporter
from workbench.plugin_api.metrics import TITLES, is_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from workbench.plugin_api.exporter import ExportRequest, Outputs

SPLIT_TITLES = {"train": "training", "validation": "validation", "test": "test"}
PLACES = ("device", "threads", "loaders", "checkpoint_seconds", "backend")
"""Training settings that say where it ran, not how."""
LONGEST_VALUE = 400
"""Characters of what preprocessing has learned; a tokeniser has hundreds of thousands."""


class ModelCardExporter(Exporter):
    """Markdown, for a person to complete before the network is published."""

    id = "model-card"
    title = "Model card"
    help = "Data, task, metrics, layers and versions, as Markdown."
    suffix = ".md"
    takes_lengths = True
    holds_network = False

    def availability(self) -> Availability:
        """Always there."""
        return Availability(True)

    def export(self, request: ExportRequest, path: Path) -> Sequence[Path]:
        """Write the card."""
        write_atomically(path, card(request).encode())
        return (path,)

    def notes(self, request: ExportRequest) -> Sequence[str]:
        """Say that it is not finished."""
        return ("Its licence, use and limits are left for you to fill in.",)

    def outputs(
        self, path: Path, inputs: NDArray[np.float32], request: ExportRequest
    ) -> Outputs | None:
        """Return None: a text gives no outputs."""
        return None


def card(request: ExportRequest) -> str:
    """Return the Markdown text."""
    sections = (
        ("", _summary(request)),
        ("Licence", _LICENCE),
        ("Intended use", _use(request)),
        ("Data", _data(request)),
        ("Metrics", _metrics(request.metrics, request.baselines)),
        ("Preprocessing", _preprocessing(request)),
        ("Classes", _classes(request)),
        ("Layers", _layers(request)),
        ("Training", _training(request)),
        ("Versions", _versions(request.environment)),
        ("Experiment", _experiment(request.experiment_json)),
    )
    texts = [f"## {title}\n\n{text}" if title else text for title, text in sections]
    return "\n\n".join(texts) + "\n"


_LICENCE = (
    "_To be filled in._ Under which terms may others use these weights? Without a licence they may "
    "not. Do the data's own terms allow it?"
)


def _summary(request: ExportRequest) -> str:
    network, notes = request.network, request.experiment.notes.strip()
    inside, outside = network.inputs[0].output, network.outputs[0].output
    text = (
        f"# {_plain(request.experiment.name)}\n\n"
        f"A neural network for {request.task.title.lower()}: "
        f"{inside} ({inside.in_words()}) in, {outside} ({outside.in_words()}) out, "
        f"{_count(network.parameters)} trainable parameters, "
        f"{_count(network.multiply_adds)} multiply-adds for one sample."
    )
    quoted = "\n".join(f"> {line}".rstrip() for line in notes.splitlines())
    return f"{text}\n\n{quoted}" if notes else text


def _use(request: ExportRequest) -> str:
    known = len(request.info.classes)
    fact = (
        f"The network knows {known} classes and nothing else: it answers with one of them whatever "
        "it is given, and its probabilities are no measure of whether a sample is of its kind.\n\n"
        if known
        else ""
    )
    return (
        f"{fact}_To be filled in:_\n\n"
        "- What is it for, and who is meant to use it? What should it not be used for?\n"
        "- How do the data differ from what it will meet: other cameras, places, people, times?\n"
        "- Which mistakes are likely, and whom would they harm? Who looks at its answers?\n"
        "- Was it measured on data of another origin than those it was trained on?"
    )


def _data(request: ExportRequest) -> str:
    info, source = request.info, request.experiment.data.source
    lines = [f"Source: `{source.type}`. Fingerprint: `{info.fingerprint or 'none'}`.", ""]
    lines += _table(
        ("split", "samples"),
        [(SPLIT_TITLES[name], _count(count)) for name, count in info.counts.items()],
    )
    augmentation = request.experiment.data.augmentation
    if augmentation is not None:
        lines += ["", f"Training samples were changed at random: {_settings(augmentation)}."]
    corrected = info.corrected
    if corrected.relabelled or corrected.excluded:
        lines += [
            "",
            f"By hand, {_count(corrected.relabelled)} samples were given another class and "
            f"{_count(corrected.excluded)} were left out.",
        ]
    if info.bad_files:
        lines += ["", f"{_count(len(info.bad_files))} unusable files were left out."]
    return "\n".join([*lines, *(f"\n{_plain(text)}" for text in info.warnings)])


def _metrics(
    metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> str:
    if not metrics:
        return "Nothing was measured with these weights."
    titles = {METRIC_PREFIXES[name]: title for name, title in SPLIT_TITLES.items()}
    rows = []
    for key, value in sorted(metrics.items(), key=lambda pair: _place(pair[0], titles)):
        prefix, _, name = key.partition("/")
        title = TITLES.get(name, name.replace("_", " "))
        rows.append((titles.get(prefix, prefix), title, _number(name, value)))
    lines = list(_table(("split", "metric", "value"), rows))
    if any(key.startswith(METRIC_PREFIXES["validation"]) for key in metrics):
        lines += ["", "Validation samples chose the weights, so test samples say more of new data."]
    compared = [
        (SPLIT_TITLES[split], _plain(answer), name.replace("_", " "), _number(name, value))
        for split, answers in baselines.items()
        for answer, found in answers.items()
        for name, value in found.items()
    ]
    if compared:
        lines += ["", "What simple answers reach on the same samples:", ""]
        lines += _table(("split", "answer", "metric", "value"), compared)
    return "\n".join(lines)


def _preprocessing(request: ExportRequest) -> str:
    preprocessing = request.preprocessing
    lines = ["Every sample is prepared in the same way, in training and afterwards:", ""]
    for field in preprocessing.parameters():
        value = getattr(preprocessing, field.name)
        if value is not None:
            unit = f" {field.unit}" if field.unit else ""
            about = f" ({field.help})" if field.kind == "choice" and field.help else ""
            lines.append(f"- {field.title}: {_word(value)}{unit}{about}")
    for name, value in request.fitted.items():
        text = _json(value)
        if len(text) > LONGEST_VALUE:
            text = f"{text[:LONGEST_VALUE]} … ({len(text)} characters; the exported files hold it)"
        lines.append(f"- learned from the training samples: {name} = `{text}`")
    return "\n".join(lines)


def _classes(request: ExportRequest) -> str:
    info = request.info
    if not info.classes:
        return "None."
    splits = list(info.class_counts)
    rows = [
        (str(number), _plain(name), *(_count(info.class_counts[split][number]) for split in splits))
        for number, name in enumerate(info.classes)
    ]
    titles = ("output", "class", *(f"{SPLIT_TITLES.get(split, split)}" for split in splits))
    return "\n".join(_table(titles, rows))


def _layers(request: ExportRequest) -> str:
    rows = [
        (
            f"`{node.id}`",
            node.layer.title,
            _plain(node.layer.summary()),
            ", ".join(f"`{source}`" for source in node.inputs),
            str(node.output),
            _count(node.parameters) + ("" if node.trainable else " (frozen)"),
        )
        for node in request.network.nodes
    ]
    return "\n".join(_table(("layer", "kind", "settings", "takes", "gives", "parameters"), rows))


def _training(request: ExportRequest) -> str:
    training: dict[str, Any] = msgspec.to_builtins(request.experiment.training)
    training = {name: value for name, value in training.items() if name not in PLACES}
    lines = [f"- task: {request.task.title}, {_word(msgspec.to_builtins(request.task)) or 'plain'}"]
    lines += [
        f"- {name.replace('_', ' ')}: {_word(value)}"
        for name, value in training.items()
        if value is not None and value != ""
    ]
    return "\n".join([*lines, f"- seed: {request.experiment.seed}"])


def _versions(environment: Mapping[str, Any]) -> str:
    if not environment:
        return "Not recorded."
    packages = environment.get("packages", {})
    device = environment.get("device", {})
    named = {
        "Neural Workbench": environment.get("workbench"),
        "Python": environment.get("python"),
        **packages,
        "backend": environment.get("backend"),
        "device": device.get("title") if isinstance(device, dict) else None,
        "system": environment.get("system"),
    }
    return "\n".join(f"- {name}: {_plain(str(value))}" for name, value in named.items() if value)


def _experiment(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return (
        "Save the text below as a file that ends in `.workbench.json` to open it in Neural "
        f"Workbench.\n\n<details><summary>experiment</summary>\n\n{fence}json\n{text.strip()}\n"
        f"{fence}\n\n</details>"
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _settings(component: Any) -> str:
    params = _word(component.params)
    return f"`{component.type}`" + (f" ({params})" if params else "")


def _word(value: Any) -> str:
    """Return a setting in words: "adam, learning rate 0.001"."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        parts = (
            _word(part) if name == "type" else f"{name.replace('_', ' ')} {_word(part)}"
            for name, part in value.items()
            if part is not None
        )
        return ", ".join(parts)
    if isinstance(value, str):
        return _plain(value.replace("_", " "))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Return text on one line that Markdown takes as it is."""
    line = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|~" else sign for sign in line)


def _number(name: str, value: float) -> str:
    if name == "smape":
        return f"{value:.1f} %"
    return f"{value * 100:.1f} %" if is_share(name) else f"{value:.4g}"


def _place(key: str, titles: Mapping[str, str]) -> tuple[int, str]:
    prefix = key.partition("/")[0]
    return (list(titles).index(prefix) if prefix in titles else len(titles)), key


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u2009")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
