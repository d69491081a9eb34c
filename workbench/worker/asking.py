"""A trained network is asked about one sample: what it takes it for, and what that rests on."""

from __future__ import annotations

import wave
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.tensors import TensorType
from workbench.worker.attribution import Attribution, attributed_nodes, integrated_gradients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples
    from workbench.plugin_api.preprocessing import Word
    from workbench.plugin_api.task import Prediction
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
    """

    shaped: NDArray[Any]
    inputs: NDArray[Any]
    words: tuple[Word, ...] = ()
    rate: float = 0.0
    samples: Samples | None = None

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
        values: one number a word; time × channels; or height × width.
        target: number of the class.
    """

    values: NDArray[np.float32]
    attribution: Attribution
    target: int


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


def outputs(trained: Trained, asked: Question) -> NDArray[np.float32]:
    """Return raw outputs, 1 × the output's shape."""
    return trained.model.predict(asked.inputs[None], **_lengths(trained, asked))


def answer(trained: Trained, asked: Question) -> Prediction:
    """Return what the network takes a sample for."""
    found = outputs(trained, asked)
    context = replace(trained.context, samples=asked.samples)
    return trained.task.answer(asked.shaped, found, context, asked.inputs[None])


def explain(trained: Trained, asked: Question, target: int | None = None) -> Explanation:
    """Attribute a class' score to the steps of a sample; padding gets nothing.

    Args:
        trained: opened as `differentiable`.
        target: number of the class; None: the likeliest.

    Raises:
        UserError: the network does not answer with one score a class.
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
    attribution = integrated_gradients(
        trained.model,
        asked.inputs[None],
        attributed_nodes(trained.network),
        np.eye(len(classes), dtype=np.float32)[chosen],
        real=asked.real,
        **_lengths(trained, asked),
    )
    return Explanation(_per_step(attribution, asked), attribution, chosen)


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
