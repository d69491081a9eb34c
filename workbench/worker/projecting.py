"""Vectors of a trained network, and their projection to a plane."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.worker.batches import Feed, prepare
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.trained import open_design, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.inspecting.projection import Method
    from workbench.plugin_api.data import Samples, SplitName
    from workbench.runs.folder import RunFolder
    from workbench.worker.trained import Which

    Progress = Callable[[float, str], object]

LONGEST_LABEL = 120
BEFORE_TSNE = 50
"""Features that t-SNE gets at most; PCA brings them down first (van der Maaten, 2008)."""
TSNE_STEPS = 1000
PERPLEXITY = 30.0
BATCH = 64


@dataclass(frozen=True)
class Vectors:
    """What is projected.

    Attributes:
        values: vectors × features.
        labels: what each stands for.
        targets: class of each; empty where there are none.
        total: vectors there are; `values` may hold fewer.
    """

    values: NDArray[np.float32]
    labels: tuple[str, ...]
    targets: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    total: int = 0


def token_vectors(
    folder: RunFolder, catalog: Catalog, which: Which, node: str, most: int
) -> Vectors:
    """Return the rows of a layer's table of tokens; needs no framework.

    Raises:
        UserError: the layer has no such table, or the run no checkpoint.
    """
    design = open_design(folder, catalog)
    weights = Checkpoints(folder.checkpoints).find(which).weights
    layer = next((each for each in design.network.nodes if each.id == node), None)
    name = layer and next((n for n, spec in layer.weights.items() if len(spec.shape) == 2), None)
    if layer is None or name is None or layer.layer.takes != "tokens":
        raise UserError(f"{node} has no table of tokens.", "Choose an Embedding.")
    table = weights[f"{node}/{name}"]
    tokens = catalog.preprocessing(design.experiment.data.preprocessing).tokens(design.fitted)
    count = min(len(table), len(tokens) or len(table))
    shown = min(count, most)
    labels = tuple(tokens[:shown]) or tuple(str(number) for number in range(shown))
    return Vectors(table[:shown], labels, total=count)


def sample_vectors(
    folder: RunFolder,
    catalog: Catalog,
    which: Which,
    node: str,
    most: int,
    *,
    progress: Progress,
) -> Vectors:
    """Return a layer's output for the validation samples, the mean over time or place.

    Raises:
        UserError: the data are gone, or the run has no checkpoint.
    """
    trained = open_trained(folder, catalog, which)
    prepared = prepare(trained.experiment, catalog, trained.fitted)
    feed = Feed(prepared, seed=trained.experiment.seed, batch_size=BATCH)
    split: SplitName = "validation" if feed.counts.get("validation") else "train"
    total = feed.counts[split]
    values: list[NDArray[np.float32]] = []
    indices: list[int] = []
    targets: list[int] = []
    try:
        for batch in feed.batches(split):
            given = {} if batch.lengths is None else {"lengths": batch.lengths}
            found = trained.model.probe(batch.inputs, (node,), **given)
            if node not in found:
                raise UserError(f"{node} leads to no Output.", "Choose another layer.")
            values += means(found[node], batch.inputs.shape[1], batch.lengths)
            numbers = batch.indices if batch.indices is not None else range(len(batch))
            indices += [int(number) for number in numbers]
            targets += batch.targets.tolist() if batch.targets.ndim == 1 else []
            progress(min(len(values) / min(total, most), 1.0), f"Asking {node}")
            if len(values) >= most:
                break
    finally:
        feed.close()
    is_class = prepared.info.target is None and bool(prepared.info.classes)
    samples = prepared.opened.splits[split]
    return Vectors(
        np.stack(values[:most]).astype(np.float32),
        tuple(_label(samples, index) for index in indices[:most]),
        tuple(targets[:most]) if is_class else (),
        prepared.info.classes if is_class else (),
        total,
    )


def project(
    values: NDArray[np.float32], method: Method, seed: int, progress: Progress
) -> tuple[NDArray[np.float32], float]:
    """Return vectors × 2, and of PCA the share of the variance that they keep; else 0.

    Raises:
        UserError: there are too few vectors or features, or a package is missing.
    """
    if len(values) < 4 or values.shape[1] < 2:
        raise UserError(
            f"{len(values)} vectors of {values.shape[1]} features cannot be projected.",
            "At least four vectors of two features are needed.",
        )
    finite = np.nan_to_num(values.astype(np.float64))
    progress(-1.0, "Projecting")
    match method:
        case "pca":
            return _pca(finite, 2, seed)
        case "tsne":
            return _tsne(finite, seed, progress), 0.0
        case "umap":
            return _umap(finite, seed), 0.0


def neighbours(
    values: NDArray[np.float32], index: int, count: int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the vectors with the highest cosine to one, itself left out, and those cosines."""
    norms = np.linalg.norm(values, axis=1)
    cosines = values @ values[index] / np.maximum(norms * norms[index], 1e-12)
    order = [n for n in np.argsort(-cosines, kind="stable").tolist() if n != index][:count]
    return tuple(order), tuple(float(cosines[n]) for n in order)


def means(
    outputs: NDArray[np.float32], steps: int, lengths: NDArray[np.int64] | None
) -> list[NDArray[np.float32]]:
    """Return one vector a sample; steps that fill up do not count."""
    flat = outputs.reshape(len(outputs), -1, outputs.shape[-1]) if outputs.ndim > 2 else outputs
    if flat.ndim == 2:
        return list(flat)
    if lengths is None or outputs.ndim != 3 or outputs.shape[1] != steps:
        return list(flat.mean(axis=1))
    return [row[:length].mean(axis=0) for row, length in zip(flat, lengths, strict=True)]


def _label(samples: Samples, index: int) -> str:
    """Return a text itself, and of anything else the name."""
    try:
        raw: Any = samples.read(index)
    except UserError:
        return samples.name(index)
    text = " ".join(str(raw.item()).split()) if raw.ndim == 0 else samples.name(index)
    return text if len(text) <= LONGEST_LABEL else f"{text[:LONGEST_LABEL]}…"


def _pca(values: NDArray[np.float64], count: int, seed: int) -> tuple[NDArray[np.float32], float]:
    from sklearn.decomposition import PCA

    fitted = PCA(count, random_state=seed)
    points = fitted.fit_transform(values)
    return points.astype(np.float32), float(np.nan_to_num(fitted.explained_variance_ratio_).sum())


def _tsne(values: NDArray[np.float64], seed: int, progress: Progress) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    if values.shape[1] > BEFORE_TSNE and len(values) > BEFORE_TSNE:
        values = _pca(values, BEFORE_TSNE, seed)[0].astype(np.float64)
    layout = TSNE(
        perplexity=min(PERPLEXITY, (len(values) - 1) / 3),
        init="pca",
        max_iter=TSNE_STEPS,
        random_state=seed,
        verbose=2,
    )
    with contextlib.redirect_stdout(_Iterations(progress)):
        points = layout.fit_transform(values)
    return np.asarray(points, np.float32)


def _umap(values: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    try:
        from umap import UMAP
    except ImportError as error:
        raise UserError("UMAP is not installed.", "pip install umap-learn") from error
    layout = UMAP(n_neighbors=min(15, len(values) - 1), random_state=seed, n_jobs=1)
    return np.asarray(layout.fit_transform(values), np.float32)


class _Iterations(io.TextIOBase):
    """Takes what t-SNE prints of its iterations for progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> int:
        """Look for "Iteration 150:"."""
        for found in re.findall(r"Iteration (\d+)", text):
            self._progress(int(found) / TSNE_STEPS, "Projecting")
        return len(text)
