"""A trained network is asked about one sample: what it takes it for, and what that rests on."""

from __future__ import annotations

import wave
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.data import known_sample_rate
from workbench.plugin_api.tensors import TensorType
from workbench.plugin_api.timelines import Windows
from workbench.worker.attribution import Attribution, attributed_nodes, integrated_gradients
from workbench.worker.picture_maps import (
    grad_cam,
    last_picture_layer,
    occluded,
    picture_layers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from workbench.inspecting.answers import ExplainMethod
    from workbench.inspecting.network import DataSample
    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.preprocessing import Word
    from workbench.plugin_api.task import Prediction
    from workbench.worker.picture_maps import Occluded
    from workbench.worker.preparation import PreparedData
    from workbench.worker.trained import Trained


@dataclass(frozen=True)
class Question:
    """One sample, ready for a network.

    Attributes:
        shaped: as it was before scaling.
        inputs: as the network gets it, canonical shape.
        words: what each token stands for; empty where the sample is no text.
        rate: steps a second, where that is known; else 0.
        samples: the sample alone, as arranged for the network; see `Context.samples`.
        name: of a sample of the data; else empty.
        truth: its class number; -1 where none is known.
        hidden: what occlusion found, once it was asked for; it serves every class.
    """

    shaped: NDArray[Any]
    inputs: NDArray[Any]
    words: tuple[Word, ...] = ()
    rate: float = 0.0
    samples: Samples | None = None
    name: str = ""
    truth: int = -1
    hidden: list[Occluded] = field(default_factory=list)

    @property
    def real(self) -> int | None:
        """Steps before those that only fill up; None: all."""
        if not self.words:
            return None
        return max(n + 1 for n, word in enumerate(self.words) if word.text or n == 0)


@dataclass(frozen=True)
class Explanation:
    """What carried the score of a class.

    Attributes:
        values: one number a word; time × channels; or height × width, of Grad-CAM as many as the
            layer's output has.
        target: number of the class.
        score: the network's raw output for it.
        attribution: of integrated gradients; else None.
        layer: whose output Grad-CAM looked at; else empty.
    """

    values: NDArray[np.float32]
    target: int
    score: float
    method: ExplainMethod = "integrated-gradients"
    attribution: Attribution | None = None
    layer: str = ""


def question(trained: Trained, raw: NDArray[Any], rate: float = 0.0) -> Question:
    """Prepare a raw sample as training did; raises UserError where it does not fit the network."""
    preprocessing, kind = trained.preprocessing, trained.info.input
    shaped = preprocessing.shape(raw)
    inputs = preprocessing.scale(shaped, trained.fitted)
    if inputs.shape[1:] != kind.shape[1:]:
        found = TensorType(inputs.shape, kind.axes)
        raise UserError(f"The network takes {kind}, but this is {found}.", "Give another file.")
    words = tuple(preprocessing.words(shaped, trained.fitted))
    if rate and not np.array_equal(raw[: len(shaped)], shaped):
        rate *= len(shaped) / len(raw)  # it was not cut but resampled
    return Question(shaped, inputs, words, rate)


def typed(trained: Trained, text: str) -> Question:
    """Prepare what a person typed; raises UserError."""
    return question(trained, trained.preprocessing.read_text(text))


def given(trained: Trained, path: str) -> list[Question]:
    """Prepare a person's file; raises UserError. Of several series in it each is a question."""
    found = trained.preprocessing.file_samples(path, trained.fitted)
    return [
        replace(question(trained, samples.read(0), _rate(path)), samples=samples)
        for samples in found
    ]


def stored(trained: Trained, prepared: PreparedData, sample: DataSample) -> Question:
    """Prepare a sample of the run's own data; raises UserError where it is gone."""
    samples = prepared.opened.splits.get(sample.split)
    if samples is None or not 0 <= sample.index < len(samples):
        raise UserError(
            f"The {sample.split} split has no sample {sample.index}.",
            "The data have changed since the run was trained.",
        )
    raw, info = samples.read(sample.index), prepared.info
    truth = int(samples.targets[sample.index]) if info.target is None and info.classes else -1
    asked = question(trained, raw, float(known_sample_rate(samples)))
    alone = samples.part(sample.index) if isinstance(samples, Windows) else None
    return replace(asked, name=samples.name(sample.index), truth=truth, samples=alone)


def outputs(trained: Trained, asked: Question) -> NDArray[np.float32]:
    """Return raw outputs, 1 × the output's shape."""
    return trained.model.predict(asked.inputs[None], **_lengths(trained, asked))


def answer(trained: Trained, asked: Question) -> Prediction:
    """Return what the network takes a sample for."""
    found = outputs(trained, asked)
    context = replace(trained.context, samples=asked.samples)
    return trained.task.answer(asked.shaped, found, context, asked.inputs[None])


def explain(
    trained: Trained,
    asked: Question,
    target: int | None = None,
    *,
    method: ExplainMethod = "integrated-gradients",
    layer: str = "",
    progress: Callable[[float], object] = lambda share: None,
) -> Explanation:
    """Attribute a class' score to the parts of a sample; padding gets nothing.

    Args:
        trained: opened as `differentiable`, but for occlusion.
        target: number of the class; None: the likeliest.
        layer: for Grad-CAM; empty: the last one before pooling.
        progress: called with the share that is done, where it takes long.

    Raises:
        UserError: the network does not answer with one score a class, or the method does not
            go with the sample.
    """
    found = outputs(trained, asked)[0]
    classes = trained.info.classes
    if found.shape != (len(classes),):
        raise UserError(
            "Only the answer of a network with one score for each class can be explained."
        )
    chosen = int(found.argmax()) if target is None else target
    if not 0 <= chosen < len(classes):
        raise UserError(f"There is no class number {chosen}.", f"There are {len(classes)}.")
    factors = np.eye(len(classes), dtype=np.float32)[chosen]
    if method == "integrated-gradients":
        for fixed in (each for each in trained.network.nodes if each.layer.is_fixed):
            raise UserError(
                f"Integrated gradients cannot pass through {fixed.id}, which is only run.",
                "Choose occlusion, or Grad-CAM, which begins behind it.",
            )
        attribution = integrated_gradients(
            trained.model,
            asked.inputs[None],
            attributed_nodes(trained.network),
            factors,
            real=asked.real,
            **_lengths(trained, asked),
        )
        values = _per_step(attribution, asked)
        return Explanation(values, chosen, attribution.output, method, attribution)
    if asked.inputs.ndim != 3:
        title = {"grad-cam": "Grad-CAM", "occlusion": "Occlusion"}[method]
        raise UserError(f"{title} explains pictures only.", "Use integrated gradients.")
    if method == "occlusion":
        if not asked.hidden:
            predict = trained.model.predict
            asked.hidden.append(occluded(predict, asked.inputs, progress=progress))
        values, score = asked.hidden[0].map(factors)
        return Explanation(values, chosen, score, method)
    node = picture_layer(trained.network, layer)
    values, score = grad_cam(trained.model, asked.inputs[None], node, factors)
    return Explanation(values, chosen, score, method, layer=node)


def picture_layer(network: Network, layer: str) -> str:
    """Return a layer that Grad-CAM can look at: the wanted one, or the last one before pooling.

    Raises:
        UserError: it has no height × width × channels, or no layer has.
    """
    chosen = layer or last_picture_layer(network)
    if chosen in picture_layers(network):
        return chosen
    if layer:
        raise UserError(
            f"Grad-CAM needs a layer with height × width × channels; {layer} is none.",
            f"Choose another one, such as {last}."
            if (last := last_picture_layer(network))
            else "Use occlusion or integrated gradients.",
        )
    raise UserError(
        "Grad-CAM needs a layer with height × width × channels, and the network has none.",
        "Use occlusion or integrated gradients.",
    )


def _per_step(attribution: Attribution, asked: Question) -> NDArray[np.float32]:
    """Return one value a word, or a pixel; a series keeps its channels."""
    if asked.inputs.ndim == 2:
        parts = list(attribution.values.values())
    else:
        parts = [value.sum(axis=-1) for value in attribution.values.values()]
    total: NDArray[np.float32] = np.sum(parts, axis=0)
    return total


def _lengths(trained: Trained, asked: Question) -> dict[str, Any]:
    varies = trained.info.input.varies
    return {"lengths": np.array([len(asked.inputs)])} if varies else {}


def _rate(path: str) -> float:
    """Return the steps a second of a WAV file, 0 for any other."""
    if not path.lower().endswith(".wav"):
        return 0.0
    try:
        with wave.open(path, "rb") as file:
            return float(file.getframerate())
    except (OSError, EOFError, wave.Error):
        return 0.0
