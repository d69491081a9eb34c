"""Time series tables: columns, odd times, gaps, series by id, and the cuts in time."""

import numpy as np
import pytest

from workbench.document.experiment import Split
from workbench.errors import UserError

SPLIT = Split(validation=0.2, test=0.2)


@pytest.fixture
def opened(tmp_path, catalog):
    def open_text(text, name="table.csv", split=SPLIT, **settings):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return catalog.sources["time_table"](file=str(path), **settings).open(split)

    return open_text


def months(count, start=0):
    return [f"{1990 + (start + n) // 12}-{(start + n) % 12 + 1:02}" for n in range(count)]


def table(rows, names="month,value"):
    return names + "\n" + "\n".join(rows) + "\n"


def test_columns_step_and_splits_are_found(opened):
    rows = [f"{month},{n},x" for n, month in enumerate(months(50))]
    found = opened(table(rows, "month,value,note"))
    assert found.timeline.channels == ("value",)
    assert (found.timeline.unit, found.timeline.size) == ("months", 1.0)
    parts = {name: part.read(0)[part.firsts[0] :, 0] for name, part in found.splits.items()}
    assert parts["train"].tolist() == list(range(30))
    assert parts["validation"].tolist() == list(range(30, 40))
    assert parts["test"].tolist() == list(range(40, 50))
    assert found.warnings == ()


def test_training_sees_nothing_of_what_comes_later(opened):
    found = opened(table([f"{m},{n}" for n, m in enumerate(months(50))]))
    assert found.splits["train"].read(0).max() == 29


def test_chosen_channels_and_inputs(opened):
    rows = [f"{m};{n};{2 * n};{3 * n}" for n, m in enumerate(months(20))]
    found = opened(table(rows, "t;a;b;c"), channels=("c",), inputs=("a",), time="t")
    assert found.timeline.channels == ("c",)
    assert found.timeline.exogenous == ("a",)
    assert found.splits["train"].read(0)[1].tolist() == [3.0, 1.0]


def test_several_series_are_cut_at_the_same_time(opened):
    rows = [f"{m},{name},{n}" for name in "ab" for n, m in enumerate(months(20))]
    rows += [f"{m},late,{n}" for n, m in enumerate(months(5, start=15))]
    found = opened(table(rows, "month,city,value"), series="city")
    assert found.timeline.series == ("a", "b", "late")
    train, test = found.splits["train"], found.splits["test"]
    starts = {found.timeline.text(train.data.times[row]) for row in test.firsts}
    assert len(starts) == 1
    assert len(train.read(2)) == 0  # nothing of the late one is as early


def test_unsorted_rows_are_sorted_and_told(opened):
    rows = [f"{m},{n}" for n, m in enumerate(months(20))]
    rows[3], rows[4] = rows[4], rows[3]
    found = opened(table(rows))
    assert found.splits["train"].read(0)[:6, 0].tolist() == list(range(6))
    assert "not in order of time (first in line 6)" in found.warnings[0]


def test_the_same_time_twice_is_refused_or_averaged(opened):
    rows = [f"{m},{n}" for n, m in enumerate(months(20))]
    rows.insert(3, "1990-03,100")
    with pytest.raises(
        UserError, match="1990-03-01 stands there twice, in lines 4 and 5"
    ) as caught:
        opened(table(rows))
    assert "series" in caught.value.hint
    found = opened(table(rows), duplicates="mean")
    assert found.splits["train"].read(0)[2, 0] == 51
    assert "1990-03" in found.warnings[0]


def test_left_out_steps_are_told_and_missing(opened):
    rows = [f"{m},{n}" for n, m in enumerate(months(40)) if n not in (7, 8)]
    found = opened(table(rows))
    assert np.isnan(found.splits["train"].read(0)[7:9]).all()
    assert "2 steps are left out (the longest gap is between 1990-07 and 1990-10)" in str(
        found.warnings
    )


def test_irregular_times_count_rows_unless_resampled(opened):
    days = np.cumsum([1, 2, 1, 5, 1, 9, 3, 2, 8, 1, 4, 1, 6, 2, 7] * 4)
    rows = [f"{np.datetime64('2024-01-01') + int(day)},{n}" for n, day in enumerate(days)]
    found = opened(table(rows, "date,value"))
    assert "no regular step" in found.warnings[0]
    assert found.timeline.unit == ""
    weekly = opened(table(rows, "date,value"), resample="week", rule="last")
    assert weekly.timeline.size == 7 * 86400


def test_text_among_numbers_is_named_by_its_line(opened):
    rows = [f"{m},{n}" for n, m in enumerate(months(20))]
    rows[11] = "1990-12,about ten"
    with pytest.raises(UserError, match="“about ten” in column “value”, line 13, is not a number"):
        opened(table(rows))


def test_a_bad_date_is_named_by_its_line(opened):
    rows = [f"{m},{n}" for n, m in enumerate(months(20))]
    rows[4] = "1990-15,4"
    with pytest.raises(UserError, match="“1990-15” in column “month”, line 6, is not a date"):
        opened(table(rows), time="month")


def test_a_constant_channel_is_told(opened):
    found = opened(table([f"{m},{n},5" for n, m in enumerate(months(20))], "month,a,b"))
    assert "“b” is always 5" in found.warnings[0]


def test_without_times_rows_are_steps_and_names_may_be_missing(opened):
    found = opened("\n".join(f"{n}\t{-n}" for n in range(30)), name="bare.tsv", time="none")
    assert found.timeline.channels == ("1", "2")
    assert found.timeline.unit == "rows"
    assert len(found.splits["train"].read(0)) == 18


def test_one_column_and_decimal_commas(opened):
    found = opened("value\n" + "\n".join(str(n) for n in range(30)))
    assert found.timeline.channels == ("value",)
    found = opened(table([f"{m};{n},5" for n, m in enumerate(months(20))], "month;value"))
    assert found.splits["train"].read(0)[1, 0] == 1.5


def test_days_written_as_numbers_are_dates(opened):
    rows = [
        f"{day.item():%Y%m%d},1{n}"
        for n, day in enumerate(np.datetime64("1958-03-29") + np.arange(40) * 7)
    ]
    found = opened(table(rows, "date,co2"))
    assert found.timeline.dated
    assert found.timeline.size == 7 * 86400


def test_parquet(tmp_path, catalog):
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "table.parquet"
    columns = {"month": months(20), "value": [None if n == 3 else float(n) for n in range(20)]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    found = catalog.sources["time_table"](file=str(path)).open(SPLIT)
    values = found.splits["train"].read(0)[:, 0]
    assert np.isnan(values[3])
    assert values[4] == 4


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        ("", {}, "has no rows"),
        ("month,value\n", {}, "has no rows"),
        ("month,value\n1990-01,1\n", {"channels": ("price",)}, "no column “price”"),
        ("month,note\n1990-01,a\n1990-02,b\n", {}, "no column of numbers"),
        ("month,value\n1990-01,1\n1990-02\n", {}, "line 3 has 1 cells, not 2"),
        ("a,a\n1,2\n", {}, "two columns called “a”"),
    ],
)
def test_what_cannot_be_used_is_said(opened, text, settings, words):
    with pytest.raises(UserError, match=words):
        opened(text, **settings)


def test_a_missing_file(tmp_path, catalog):
    source = catalog.sources["time_table"]
    with pytest.raises(UserError, match="No file has been chosen"):
        source().open(SPLIT)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        source(file=str(tmp_path / "gone.csv")).open(SPLIT)


@pytest.mark.parametrize(
    ("name", "count", "first", "unit"),
    [
        ("sunspots", 309, 5.0, "numbers"),
        ("elnino", 732, 23.11, "months"),
        ("co2", 2284, 316.1, "seconds"),
    ],
)
def test_built_in_series(catalog, name, count, first, unit):
    found = catalog.sources["timeline_samples"](data_set=name).open(Split())
    data = found.splits["train"].data
    assert len(data.values) == count
    assert data.values[0, 0] == first
    assert found.timeline.unit == unit
