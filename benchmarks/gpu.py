"""ResNet-18 on 224×224 pictures in bfloat16 on a GPU, against a hand-written loop."""

from __future__ import annotations

import dataclasses

import msgspec

from benchmarks import networks
from benchmarks.rows import Row
from benchmarks.training_speed import Case, measure

BAR = 0.97


def run() -> list[Row]:
    """Measure where there is a CUDA device; say so where there is none."""
    import torch

    title = "ResNet-18 224×224 bf16 on a GPU"
    if not torch.cuda.is_available():
        return [Row(title, "–", f"≥ {BAR}", None, "no CUDA device here")]
    experiment = networks.resnet18(224, stem_stride=2, epochs=4, batch_size=128)
    training = msgspec.structs.replace(
        experiment.training, device="cuda", precision="bfloat16", channels_last=True, threads=0
    )
    experiment = msgspec.structs.replace(experiment, training=training)
    row = measure(Case(title, experiment, BAR))
    return [dataclasses.replace(row, detail=f"{torch.cuda.get_device_name()}; {row.detail}")]
