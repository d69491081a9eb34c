"""Language modelling: which token comes next."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

import numpy as np

from plugins.tasks._ngrams import KneserNey
from plugins.tasks._steps import (
    keras_step_accuracy,
    keras_step_loss,
    log_softmax,
    torch_step_accuracy,
    torch_step_loss,
)
from plugins.tasks.step_head import causal_problems, step_head_problems
from workbench.document.edits import set_data
from workbench.document.experiment import Component
from workbench.plugin_api.data import IGNORED
from workbench.plugin_api.parameters import param
from workbench.plugin_api.problems import Problem, Repair
from workbench.plugin_api.task import Evaluation, Prediction, Task
from workbench.plugin_api.writing import PADDING_ID, Sampling, TokenWindows, continued

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Batch
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.task import Context
    from workbench.plugin_api.writing import Tokens

MOST_TOKENS = 3_000_000
"""Baselines learn from at most so many tokens, the first ones, and are judged by as many."""
SHOWN = 5
SAMPLE_TOKENS = 40
_TOLD = '''
import numpy as np

TOKENS, TEMPERATURE = 100, 0.8


def told(outputs: np.ndarray, path: str) -> str:
    """Return the end of a file's text, and how the network continues it."""
    model = load_model()
    numbers = list(TOKENIZER.encode(read_text(path)).ids[-CONTEXT:]) or [1]
    draw = np.random.default_rng()
    for _ in range(TOKENS):
        window = numbers[-CONTEXT:]
        batch = np.array([window + [0] * (CONTEXT - len(window))], np.int64)
        logits = forward(model, batch)[0, len(window) - 1].astype(np.float64) / TEMPERATURE
        logits[0] = -np.inf  # padding is never written, nor what is no token
        logits[TOKENIZER.get_vocab_size() :] = -np.inf
        chances = np.exp(logits - logits.max())
        numbers.append(int(draw.choice(len(chances), p=chances / chances.sum())))
    return TOKENIZER.decode(numbers, skip_special_tokens=False)
'''


class NextTokens(Prediction, frozen=True, kw_only=True):
    """The likeliest tokens to come next."""

    tokens: tuple[str, ...]
    probabilities: tuple[float, ...]

    def in_words(self) -> str:
        """Return "“ the” 12.1 %, “ a” 5.0 %"."""
        pairs = zip(self.tokens, self.probabilities, strict=True)
        return ", ".join(f"“{token}” {100 * share:.1f} %" for token, share in pairs)


class LanguageModelling(Task, frozen=True, kw_only=True):
    """Cross-entropy of the next token at each step (Bengio et al., 2003)."""

    id: ClassVar[str] = "language_modelling"
    title: ClassVar[str] = "Language modelling"
    help: ClassVar[str] = "Learns which token of a text comes next, and so to write."

    label_smoothing: Annotated[
        float,
        param(
            "Label smoothing",
            "Share of certainty taken from the true token and spread over all (Szegedy, 2016).",
            minimum=0,
            below=1,
        ),
    ] = 0.0

    def fits(self, info: DataInfo) -> bool:
        """Whether each token has one that follows."""
        target = info.target
        return (
            info.vocabulary > 0
            and not info.classes
            and target is not None
            and target.axes == ("time",)
            and target.dtype == "int64"
        )

    def problems(
        self, experiment: Experiment, network: Network, info: DataInfo | None
    ) -> Sequence[Problem]:
        """Return what is wrong with the data, the head, and layers that see what is to come."""
        if info is not None and not self.fits(info):
            return [_not_a_stream(info)]
        vocabulary = info.vocabulary if info is not None else 0
        return [
            *step_head_problems(network, vocabulary, "token", "language modelling"),
            *causal_problems(network),
        ]

    def torch_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any], Any]:
        """Return the mean over all steps that have a next token."""
        return torch_step_loss(self.label_smoothing)

    def loss_weight(self, batch: Batch) -> float:
        """Return the number of tokens that are learned."""
        return float((batch.targets != IGNORED).sum())

    def torch_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return the share of tokens foretold."""
        return {"accuracy": torch_step_accuracy(outputs, targets)}

    def keras_loss(
        self, network: Network, info: DataInfo, train_counts: Sequence[int]
    ) -> Callable[[Any, Any, Any], Any]:
        """Return what `torch_loss` does."""
        return keras_step_loss(self.label_smoothing)

    def keras_metrics(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """Return what `torch_metrics` does."""
        return {"accuracy": keras_step_accuracy(outputs, targets)}

    def evaluator(self, context: Context) -> LanguageEvaluator:
        """Return an empty evaluator."""
        tokens = cast("Tokens", context.preprocessing)
        return LanguageEvaluator(tokens.characters(context.fitted))

    def baselines(
        self, context: Context, train: Samples, judged: Samples
    ) -> Mapping[str, dict[str, float]]:
        """Return the perplexity of a trigram model with the same tokens of the same split."""
        if not isinstance(train, TokenWindows) or not isinstance(judged, TokenWindows):
            return {}
        size = int(context.fitted["tokens"])
        if len(train.stream) < 3 or len(judged.stream) < 3 or size > 2_000_000:
            return {}
        losses = KneserNey(train.stream[:MOST_TOKENS], size).losses(judged.stream[:MOST_TOKENS])
        loss = float(losses.mean())
        whole = max(len(train.stream), len(judged.stream)) <= MOST_TOKENS
        name = "trigrams" if whole else f"trigrams (first {MOST_TOKENS:,} tokens)"
        return {name: {"loss": loss, "perplexity": float(np.exp(loss))}}

    def sample(
        self, predict: Callable[[NDArray[Any]], NDArray[np.float32]], context: Context, epoch: int
    ) -> str:
        """Return some text that the network writes, on and on from the end of a line."""
        tokens, fitted = cast("Tokens", context.preprocessing), context.fitted
        start = tokens.encoded("\n", fitted).tolist()
        steps = continued(
            partial(next_logits, predict, tokens.context, fitted["tokens"]),
            start,
            Sampling(temperature=0.7, top_p=0.95),
            np.random.default_rng(epoch),
        )
        written = [step.token for step in islice(steps, SAMPLE_TOKENS)]
        return f"It writes now: “{tokens.decoded(written, fitted).strip()} …”"

    def probabilities(self, outputs: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
        """Return the softmax of logits."""
        return np.exp(log_softmax(outputs.astype(np.float32)))

    def predictions(
        self, outputs: NDArray[np.float32], context: Context, inputs: NDArray[Any]
    ) -> list[NextTokens]:
        """Return what may follow the last token of each sample."""
        tokens = cast("Tokens", context.preprocessing)
        found = []
        for logits, numbers in zip(outputs, inputs, strict=True):
            shares = np.exp(log_softmax(logits[last_real(numbers)]))
            best = np.argsort(-shares, kind="stable")[:SHOWN].tolist()
            found.append(
                NextTokens(
                    tokens=tuple(tokens.decoded([token], context.fitted) for token in best),
                    probabilities=tuple(float(shares[token]) for token in best),
                )
            )
        return found

    def python_source(self, network: Network) -> str:
        """Return `told(outputs, path)`: a file's text, and how the network continues it."""
        return _TOLD

    def does(self, info: DataInfo) -> str:
        """Return that it writes."""
        return "continues texts"

    def direction(self, metric: str) -> Literal["min", "max"]:
        """Only accuracy is better when it is higher."""
        return "max" if metric == "accuracy" else "min"

    @property
    def headline(self) -> str:
        """Perplexity, the number that language models are compared by."""
        return "perplexity"

    @property
    def monitor(self) -> tuple[str, Literal["min", "max"]]:
        """The best checkpoint has the lowest loss."""
        return "loss", "min"


class LanguageEvaluator:
    """Adds up losses; of each window only its mean is kept.

    Args:
        characters: length of each token; None where tokens lose some of the text.
    """

    def __init__(self, characters: NDArray[np.float32] | None) -> None:
        self._characters = characters
        self._losses: list[NDArray[np.float32]] = []
        self._total, self._right, self._count, self._length = 0.0, 0, 0, 0.0

    def update(self, outputs: NDArray[np.float32], batch: Batch) -> None:
        """Take one batch: batch × time × vocabulary, and the tokens that follow."""
        targets = batch.targets
        known = targets != IGNORED
        logs = log_softmax(np.nan_to_num(outputs, copy=False))
        chosen = np.take_along_axis(logs, targets.clip(min=0)[..., None], -1)[..., 0]
        losses = np.where(known, -chosen, 0)
        counts = known.sum(axis=1)
        self._losses.append((losses.sum(axis=1) / counts.clip(min=1)).astype(np.float32))
        self._total += float(losses.sum(dtype=np.float64))
        self._right += int(((outputs.argmax(axis=-1) == targets) & known).sum())
        self._count += int(counts.sum())
        if self._characters is not None:
            self._length += float(self._characters[targets[known]].sum())

    def compute(self) -> Evaluation:
        """Return perplexity, accuracy, and bits per character where they mean something."""
        count = max(self._count, 1)
        loss = self._total / count
        metrics = {
            "perplexity": float(np.exp(min(loss, 700.0))),
            "accuracy": self._right / count,
        }
        if self._length:
            metrics["bits_per_character"] = float(self._total / np.log(2) / self._length)
        return Evaluation(metrics=metrics)

    def results(self) -> dict[str, NDArray[Any]]:
        """Return the mean loss of each window."""
        return {"window_loss": np.concatenate(self._losses)}


def last_real(tokens: NDArray[Any]) -> int:
    """Return the place of the last token that is no padding; 0 where there is none."""
    places = np.flatnonzero(tokens != PADDING_ID)
    return int(places[-1]) if len(places) else 0


def next_logits(
    predict: Callable[[NDArray[Any]], NDArray[np.float32]],
    context: int,
    known: int,
    tokens: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the logits of the token that follows, from a window of one length.

    Args:
        known: tokens that there are; the network may have room for more.
    """
    seen = tokens[-context:]
    filled = np.pad(seen, (0, context - len(seen)), constant_values=PADDING_ID)
    logits: NDArray[np.float32] = predict(filled[None])[0, len(seen) - 1, :known]
    return logits


def _not_a_stream(info: DataInfo) -> Problem:
    if info.kind != "texts":
        return Problem(
            "error",
            f"Language modelling learns from texts, but the data are {info.kind}.",
            "Choose a text in the data settings, or another task.",
        )
    change = partial(set_data, preprocessing=Component("text_stream"))
    return Problem(
        "error",
        "Language modelling needs texts as one that goes on, cut into windows of tokens.",
        "Choose “Text that goes on” as preparation.",
        repair=Repair("Use “Text that goes on”", change),
    )
