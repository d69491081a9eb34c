"""`generate`: a trained language model writes in the terminal."""

from __future__ import annotations

import secrets
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.cli.runs import runs_folder
from workbench.plugin_api.writing import Sampling
from workbench.runs import store

if TYPE_CHECKING:
    import argparse

    from workbench.cli.output import Output


def generate(options: argparse.Namespace, output: Output) -> int:
    """Continue a text, token by token."""
    from workbench.worker.writing import Writer

    folder = store.find_run(options.name, runs_folder(options))
    writer = Writer(folder, Catalog.load(), options.checkpoint)
    sampling = Sampling(options.temperature, options.top_k, options.top_p)
    seed = secrets.randbits(31) if options.seed is None else options.seed
    steps = writer.write(options.prompt, sampling, seed)
    written, started = [], time.perf_counter()
    if not output.as_json:
        output.part(options.prompt)
    try:
        for step in islice(steps, options.tokens):
            written.append(step)
            if not output.as_json:
                output.part(step.text)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    seconds = time.perf_counter() - started
    if not output.as_json:
        output.say()
    rate = len(written) / seconds if seconds else 0.0
    output.note(f"{len(written)} tokens, {rate:.0f} a second, seed {seed}.")
    output.result(
        {
            "prompt": options.prompt,
            "text": "".join(step.text for step in written),
            "seed": seed,
            "tokens_per_second": rate,
            "tokens": [
                {
                    "text": step.text,
                    "probability": step.probability,
                    "alternatives": [
                        {"text": text, "probability": share} for text, share in step.alternatives
                    ],
                }
                for step in written
            ],
        }
    )
    return 0
