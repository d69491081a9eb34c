"""`evaluate`, `predict` and `report`: what a trained network is good for."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from workbench.catalog import Catalog
from workbench.cli.explained import explained, explained_lines, write_pictures
from workbench.cli.parser import WrongUsage
from workbench.cli.progress import say_baselines
from workbench.cli.runs import runs_folder
from workbench.errors import UserError
from workbench.plugin_api.data import METRIC_PREFIXES
from workbench.runs import store
from workbench.runs.journal import metrics_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.cli.output import Output
    from workbench.inspecting.answers import ExplainMethod
    from workbench.worker.predict import Answer, How


def evaluate(options: argparse.Namespace, output: Output) -> int:
    """Measure a run's network on a split."""
    from workbench.worker.remeasure import evaluate_samples

    folder = store.find_run(options.name, runs_folder(options))
    evaluation, mistakes = evaluate_samples(
        folder, Catalog.load(), options.split, options.checkpoint, options.mistakes or 0
    )
    prefix = METRIC_PREFIXES[options.split]
    metrics = {f"{prefix}/{name}": value for name, value in evaluation.metrics.items()}
    output.say(metrics_line(metrics))
    say_baselines(evaluation, output)
    if mistakes and not output.as_json:
        output.table(
            ["sample", "is", "taken for", "probability", "loss"],
            [
                [m.sample_id or m.name, m.true, m.answer, f"{m.probability:.3f}", f"{m.loss:.2f}"]
                for m in mistakes
            ],
        )
    status = store.summarise(folder).status
    output.result(
        {
            "run": str(folder.path),
            "status": status,
            "metrics": metrics,
            "baselines": evaluation.baselines,
            **({"mistakes": [asdict(each) for each in mistakes]} if options.mistakes else {}),
        }
    )
    return 0


def predict(options: argparse.Namespace, output: Output) -> int:
    """Ask a run's network about files or typed texts."""
    from workbench.worker.predict import predict_files, predict_texts

    if bool(options.files) == bool(options.text):
        raise WrongUsage("Give files or texts.", "predict RUN FILE …, or predict RUN --text “…”")
    folder = store.find_run(options.name, runs_folder(options))
    answers: Sequence[tuple[Path | str, Answer | UserError]]
    catalog, which, explain = Catalog.load(), options.checkpoint, _how(options)
    if options.text:
        answers = predict_texts(folder, options.text, catalog, which, explain=explain)
    else:
        answers = predict_files(folder, options.files, catalog, which, explain=explain)
    if not output.as_json:
        for path, answer in answers:
            if isinstance(answer, UserError):
                output.note(str(answer))
            else:
                output.say(f"{path}: {answer.prediction.in_words()}")
                for line in explained_lines(answer):
                    output.say(line)
    found: dict[str, Any] = {}
    if options.picture:
        good = (answer for _, answer in answers if not isinstance(answer, UserError))
        written = write_pictures(good, options.picture)
        for path in written:
            output.say(f"{path} written.")
        found["pictures"] = [str(path) for path in written]
    key = "text" if options.text else "path"
    found["predictions"] = [_described(key, str(asked), a) for asked, a in answers]
    output.result(found)
    failed = any(isinstance(answer, UserError) for _, answer in answers)
    return 3 if failed else 0


def _how(options: argparse.Namespace) -> How | None:
    """Return how to explain; any option that only an explanation has asks for one."""
    from workbench.worker.predict import How

    asked = options.method, options.layer, options.target, options.picture
    if not options.explain and not any(asked):
        return None
    usual: ExplainMethod = "grad-cam" if options.layer else "integrated-gradients"
    return How(options.method or usual, options.target or "", options.layer or "")


def _described(key: str, asked: str, answer: Answer | UserError) -> dict[str, Any]:
    if isinstance(answer, UserError):
        return {key: asked, "error": answer.message, "hint": answer.hint}
    return {key: asked, **msgspec.to_builtins(answer.prediction), **explained(answer)}


def report(options: argparse.Namespace, output: Output) -> int:
    """Draw a run's curves and feature maps into a picture."""
    from workbench.worker.report import write_report

    folder = store.find_run(options.name, runs_folder(options))
    path = write_report(folder, options.output)
    output.say(f"{path} written.")
    output.result({"file": str(path)})
    return 0
