"""Opens an experiment's data and finds out all that must be known before training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import SPLITS, DataInfo, known_sample_rate
from workbench.plugin_api.preprocessing import target_scale
from workbench.plugin_api.tensors import TensorType
from workbench.worker.corrections import corrected, remarks

if TYPE_CHECKING:
    from workbench.catalog import Catalog
    from workbench.document.experiment import Data, Experiment
    from workbench.plugin_api.data import Kind
    from workbench.plugin_api.preprocessing import Augmentation, Preprocessing
    from workbench.plugin_api.source import Opened

IMBALANCE = 3.0
"""The largest class may be so many times the smallest before a warning is due."""
TINY_CLASS = 5
"""A class with fewer pictures than this can hardly be learned or judged."""


@dataclass(frozen=True)
class PreparedData:
    """Data that are ready to be read.

    Attributes:
        fitted: what preprocessing learned from the training split.
    """

    opened: Opened
    preprocessing: Preprocessing
    augmentation: Augmentation | None
    fitted: dict[str, Any]
    info: DataInfo


def prepare(
    experiment: Experiment, catalog: Catalog, fitted: dict[str, Any] | None = None
) -> PreparedData:
    """Open the data of an experiment and fit the preprocessing.

    Args:
        fitted: what the preprocessing learned before; None: it learns now.

    Raises:
        UserError: the data cannot be used, with a next step.
    """
    data = experiment.data
    opened = corrected_data(open_data(data, catalog), data, catalog)
    _described(opened, data, catalog, None)  # what does not go together is told before the wait
    preprocessing = catalog.preprocessing(data.preprocessing)
    if fitted is None:
        fitted = preprocessing.fit(opened.splits["train"])
        if opened.quantities and not preprocessing.makes_targets:
            fitted = {**fitted, **target_scale(opened.splits["train"])}
    arranged, info = _described(opened, data, catalog, fitted)
    return PreparedData(
        arranged,
        preprocessing.resolved(fitted),
        catalog.augmentation(data.augmentation),
        fitted,
        info,
    )


def describe(data: Data, catalog: Catalog, listed: Opened | None = None) -> tuple[Opened, DataInfo]:
    """Open data, arrange them, and say what they are; reads one sample a split at most.

    Args:
        listed: what `open_data` returned for the same source and split; None: it is called.

    Raises:
        UserError: the data cannot be used, with a next step.
    """
    opened = listed or open_data(data, catalog)
    return _described(corrected_data(opened, data, catalog), data, catalog, None)


def corrected_data(opened: Opened, data: Data, catalog: Catalog) -> Opened:
    """Return data with the person's corrections.

    Raises:
        UserError: they leave nothing to train on.
    """
    found = corrected(opened, catalog.source(data.source), data.corrections)
    if "train" not in found.splits:
        raise UserError(
            "There is nothing to train on: all training samples are left out.",
            "Take some corrections back in the data settings.",
        )
    return found


def open_data(data: Data, catalog: Catalog) -> Opened:
    """List the data as the source has them, without corrections.

    Raises:
        UserError: the data cannot be used.
    """
    opened = catalog.source(data.source).open(data.split)
    if "train" not in opened.splits:
        raise UserError(
            "There is nothing to train on.", "Lower the validation and test shares, or add data."
        )
    return opened


def _described(
    opened: Opened, data: Data, catalog: Catalog, fitted: dict[str, Any] | None
) -> tuple[Opened, DataInfo]:
    """Return the data as they are trained on, and what is known of them.

    Args:
        fitted: what the preprocessing learned; None before that.

    Raises:
        UserError: the data are not of the preparation's kind, or leave nothing to train on.
    """
    preprocessing = catalog.preprocessing(data.preprocessing)
    kind = catalog.source(data.source).kind
    if preprocessing.kind != kind:
        raise UserError(
            f"The data are {kind}, but the preparation is for {preprocessing.kind}.",
            f"Choose a preparation for {kind} in the data settings.",
        )
    target = preprocessing.target_type(opened.splits["train"], opened.target)
    arranged = {
        name: preprocessing.arranged(samples, fitted) for name, samples in opened.splits.items()
    }
    told = preprocessing.remarks(arranged)
    opened = replace(opened, splits={name: s for name, s in arranged.items() if len(s)})
    if "train" not in opened.splits:
        raise UserError(
            "There is nothing to train on.", "Lower the validation and test shares, or add data."
        )
    types = {name: preprocessing.output(samples) for name, samples in opened.splits.items()}
    common = types["train"]
    for name, found in types.items():
        joined = _joined(common, found)
        if joined is None:
            raise UserError(
                f"The {name} {kind} are {found}, the training {kind} {types['train']}.",
                "Set height, width and channels in the data settings."
                if kind == "pictures"
                else "Use data of one kind in all splits.",
            )
        common = joined
    class_counts: dict[str, tuple[int, ...]] = {}
    if target is None:
        class_counts = {
            name: tuple(np.bincount(samples.targets, minlength=len(opened.classes)).tolist())
            for name, samples in opened.splits.items()
        }
    elif not preprocessing.makes_targets:
        class_counts = {
            name: (*counts, *(0,) * (len(opened.classes) - len(counts)))
            for name, samples in opened.splits.items()
            if (counts := getattr(samples, "class_counts", ()))
        }
    info = DataInfo(
        input=common,
        kind=kind,
        vocabulary=preprocessing.vocabulary,
        longest=max(map(preprocessing.longest_of, opened.splits.values())),
        sample_rate=known_sample_rate(opened.splits["train"]),
        classes=() if preprocessing.makes_targets else opened.classes,
        target=target,
        quantities=() if preprocessing.makes_targets else opened.quantities,
        counts={name: len(opened.splits[name]) for name in SPLITS if name in opened.splits},
        class_counts=class_counts,
        bad_files=opened.bad_files,
        timeline=opened.timeline,
        warnings=(
            *opened.warnings,
            *remarks(opened.corrected),
            *told,
            *_warnings(opened.classes, class_counts, kind),
        ),
        fingerprint=opened.fingerprint,
        corrected=opened.corrected,
    )
    return opened, info


def _warnings(
    classes: tuple[str, ...], class_counts: dict[str, tuple[int, ...]], kind: Kind
) -> tuple[str, ...]:
    if not classes or not class_counts:
        return ()
    found = []
    totals = np.sum(list(class_counts.values()), axis=0)
    largest, smallest = int(totals.argmax()), int(totals.argmin())
    if totals[largest] > IMBALANCE * totals[smallest]:
        found.append(
            f"The classes are out of balance: {totals[largest]} of “{classes[largest]}” but "
            f"{totals[smallest]} of “{classes[smallest]}”. Class weights in the task, or balanced "
            "sampling, make up for it, and the F1 score says more than the accuracy."
        )
    tiny = [name for name, total in zip(classes, totals, strict=True) if total < TINY_CLASS]
    if tiny:
        found.append(f"Fewer than {TINY_CLASS} {kind} of {_listed(tiny)}: too few to learn from.")
    for split, counts in class_counts.items():
        missing = [name for name, count in zip(classes, counts, strict=True) if not count]
        if missing:
            found.append(f"The {split} split has no {kind} of {_listed(missing)}.")
    return tuple(found)


def _joined(one: TensorType, other: TensorType) -> TensorType | None:
    """Return the type of both; only the number of steps of series may differ, and then varies."""
    if one == other:
        return one
    if one.axes != other.axes or one.axes[:1] != ("time",) or one.shape[1:] != other.shape[1:]:
        return None
    return TensorType((None, *one.shape[1:]), one.axes, one.dtype)


def _listed(names: list[str], most: int = 5) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more classes"
