"""Steps in time: plain functions that exported scripts carry along.

Times are float64: seconds since 1970 (UTC) of dates, else numbers as they are. A step is a unit
("months", "seconds", "numbers", "rows"; "" where there is no regular one) and its size in that
unit. Only numpy and names defined here are used.
"""

from __future__ import annotations

import numpy as np

DAY = 86400


def months_of(times: np.ndarray) -> np.ndarray:
    """Return months since January 1970, int64."""
    found: np.ndarray = times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return found


def month_starts(months: np.ndarray) -> np.ndarray:
    """Return the first second of each month since January 1970."""
    starts = np.asarray(months, np.int64).astype("datetime64[M]").astype("datetime64[s]")
    found: np.ndarray = starts.astype(np.int64).astype(np.float64)
    return found


def find_step(times: np.ndarray, dated: bool) -> tuple[str, float]:
    """Return unit and size of the step of ascending times; ("", 0) where none is regular.

    Steps may be left out here and there; where a fifth or more are, no step is regular.
    """
    if len(times) < 3:
        return "", 0.0
    if dated:
        months = months_of(times)
        places = times - month_starts(months)
        at_ends = months_of(times + DAY) > months
        if (places == places[0]).all() or at_ends.all():
            apart = np.diff(months)
            months_apart = int(apart.min())
            is_regular = months_apart > 0 and not (apart % months_apart).any()
            if is_regular and apart.sum() / months_apart < 1.25 * len(times):
                return "months", float(months_apart)
    apart = np.diff(times)
    sizes, counts = np.unique(apart, return_counts=True)
    size = float(sizes[counts.argmax()])
    ratios = apart / size if size > 0 else np.zeros(1)
    regular = (np.abs(ratios - np.rint(ratios)) < 1e-6).all() and np.rint(ratios).min() >= 1
    if not regular or np.rint(ratios).sum() >= 1.25 * len(times):
        return "", 0.0
    return ("seconds" if dated else "numbers"), size


def on_grid(
    times: np.ndarray, values: np.ndarray, unit: str, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values (steps × columns) with NaN for the steps that were left out."""
    if unit == "months":
        places = (months_of(times) - months_of(times[:1])[0]) // int(size)
    else:
        places = np.rint((times - times[0]) / size).astype(np.int64)
    if places[-1] + 1 == len(places):
        return times, values
    whole = following(times[0], int(places[-1]), unit, size)
    whole = np.concatenate([times[:1], whole])
    whole[places] = times
    filled = np.full((len(whole), values.shape[1]), np.nan)
    filled[places] = values
    return whole, filled


def following(last: float, count: int, unit: str, size: float) -> np.ndarray:
    """Return the times of the next steps; a month without that day gets its last one."""
    numbers = np.arange(1, count + 1)
    if unit != "months":
        return float(last) + numbers * size
    at = np.array([last], np.float64)
    month = months_of(at)[0]
    months = month + numbers * int(size)
    lengths = month_starts(months + 1) - month_starts(months)
    place = last - month_starts(np.array([month]))[0]
    if months_of(at + DAY)[0] > month and place % DAY == 0 and place >= 27 * DAY:
        ends: np.ndarray = month_starts(months) + lengths - DAY
        return ends
    found: np.ndarray = month_starts(months) + np.minimum(place, lengths - DAY + place % DAY)
    return found


def resampled(
    times: np.ndarray, values: np.ndarray, unit: str, size: float, rule: str
) -> tuple[np.ndarray, np.ndarray]:
    """Join ascending rows to one a step by a rule; steps without any value are NaN.

    Args:
        rule: "mean", "sum", "first", "last", "smallest" or "largest" of the known values.
    """
    if unit == "months":
        bins = months_of(times) // int(size)
        bins, start = bins - bins[0], bins[0]
    else:
        base = times[0] - times[0] % min(size, DAY) if unit == "seconds" else times[0]
        bins = np.floor((times - base) / size + 1e-9).astype(np.int64)
    at = np.flatnonzero(np.diff(bins, prepend=-1))
    joined = grouped(values, at, rule)
    whole = np.full((int(bins[-1]) + 1, values.shape[1]), np.nan)
    whole[bins[at]] = joined
    steps = np.arange(len(whole))
    if unit == "months":
        return month_starts((start + steps) * int(size)), whole
    return base + steps * size, whole


def grouped(values: np.ndarray, starts: np.ndarray, rule: str) -> np.ndarray:
    """Join rows that follow each other, group by group, by a rule; see `resampled`."""
    known = np.isfinite(values)
    counts = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    if rule in ("mean", "sum"):
        sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
        sums = sums / np.maximum(counts, 1) if rule == "mean" else sums
        return np.where(counts > 0, sums, np.nan)
    if rule in ("smallest", "largest"):
        join = np.fmin if rule == "smallest" else np.fmax
        return join.reduceat(np.where(known, values, np.nan), starts, axis=0)
    rows = np.arange(len(values), dtype=np.float64)[:, None]
    join = np.fmin if rule == "first" else np.fmax
    found = join.reduceat(np.where(known, rows, np.nan), starts, axis=0)
    row = np.where(np.isfinite(found), found, 0).astype(np.int64)
    return np.where(np.isfinite(found), np.take_along_axis(values, row, axis=0), np.nan)


def time_text(time: float, unit: str, size: float, dated: bool) -> str:
    """Return a time as short as its step allows: "1981", "1981-01", "1981-01-05 10:00"."""
    if not dated:
        return f"{time:.12g}"
    moment = np.datetime64(round(float(time)), "s")
    if unit == "months" and size % 12 == 0 and moment == moment.astype("datetime64[Y]"):
        return str(moment.astype("datetime64[Y]"))
    if unit == "months" and moment == moment.astype("datetime64[M]"):
        return str(moment.astype("datetime64[M]"))
    if time % DAY == 0 and (unit == "months" or size % DAY == 0):
        return str(moment.astype("datetime64[D]"))
    text = str(moment).replace("T", " ")
    return text.removesuffix(":00") if time % 60 == 0 else text
