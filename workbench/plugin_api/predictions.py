"""Answers to one sample that are no single class, for people: labels, tags, numbers, forecasts."""

from __future__ import annotations

from itertools import accumulate, groupby

from workbench.plugin_api.task import ClassPrediction, Prediction


class LabelsPrediction(ClassPrediction, frozen=True, kw_only=True):
    """The likeliest classes, each with its own probability, and those from the threshold on."""

    chosen: tuple[str, ...]
    threshold: float

    def in_words(self) -> str:
        """Return "sport 98.1 %, politics 71.0 %", or that there is none."""
        shares = dict(zip(self.labels, self.probabilities, strict=True))
        if not self.chosen:
            return f"no class ({self.labels[0]} {100 * self.probabilities[0]:.1f} %)"
        return ", ".join(f"{label} {100 * shares[label]:.1f} %" for label in self.chosen)


class Tags(Prediction, frozen=True, kw_only=True):
    """Each word, or step, with its tag and how probable that is; steps have no words."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]

    def in_words(self) -> str:
        """Return "Emma/B-PER was/O", or "1–40 walking, 41–128 standing"."""
        if not self.words:
            runs = [(tag, len(list(run))) for tag, run in groupby(self.tags)]
            ends = accumulate(count for _, count in runs)
            return ", ".join(
                f"{end - count + 1}–{end} {tag}"
                for (tag, count), end in zip(runs, ends, strict=True)
            )
        return " ".join(f"{word}/{tag}" for word, tag in zip(self.words, self.tags, strict=True))


class Numbers(Prediction, frozen=True, kw_only=True):
    """Each quantity with its number."""

    values: dict[str, float]

    def in_words(self) -> str:
        """Return "progression 152.3"."""
        return ", ".join(f"{name} {value:.6g}" for name, value in self.values.items())


class ForecastPrediction(Prediction, frozen=True, kw_only=True):
    """What comes after the end of a series.

    Attributes:
        series: its name; empty where there is but one.
        times: of the steps that are forecast.
        values: forecasts by channel, one a step.
        quantiles: by channel, then by quantile ("0.1"), one a step; empty for a point forecast.
    """

    series: str
    times: tuple[str, ...]
    values: dict[str, tuple[float, ...]]
    quantiles: dict[str, dict[str, tuple[float, ...]]]

    def in_words(self) -> str:
        """Return "1981-05: co2 341.2 (340.8 … 341.5)"; several steps are a table of lines."""
        lines = []
        for step, time in enumerate(self.times):
            parts = []
            for channel, values in self.values.items():
                text = f"{channel} {values[step]:.6g}"
                spread = list(self.quantiles.get(channel, {}).values())
                if spread:
                    text += f" ({spread[0][step]:.6g} … {spread[-1][step]:.6g})"
                parts.append(text)
            lines.append(f"{time}: {', '.join(parts)}")
        named = [self.series] if self.series else []
        if len(lines) == 1:
            return " ".join((*named, *lines))
        return "\n  ".join((*(named or [""]), *lines))
