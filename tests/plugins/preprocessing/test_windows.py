"""Windows: what is cut, that nothing of the future gets in, and that everything can be undone."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.exporters.sources import join_sources
from workbench.document.experiment import Split
from workbench.errors import UserError
from workbench.plugin_api.data import raw_target

SCALES = ("standardise", "zero_one", "each_window", "none")


@pytest.fixture
def source(tmp_path, catalog):
    def written(values, times=None, split=None, **columns):
        names = [f"c{n}" for n in range(values.shape[1])]
        lines = [",".join(["step", *names])]
        for n, row in enumerate(values.tolist()):
            cells = ["" if np.isnan(v) else repr(v) for v in row]
            lines.append(",".join([str(n if times is None else times[n]), *cells]))
        path = tmp_path / "table.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        made = catalog.sources["time_table"](file=str(path), time="step", **columns)
        return made.open(split or Split(validation=0.2, test=0.2)).splits

    return written


def walk(count, channels=1, seed=0):
    return 50 + np.cumsum(np.random.default_rng(seed).normal(size=(count, channels)), axis=0)


def windows(catalog, **given):
    return catalog.preprocessings["windows"](**given)


def test_targets_of_splits_never_overlap_and_windows_look_back(source, catalog):
    splits = source(walk(100))
    preparation = windows(catalog, window=8, horizon=3)
    rows = {name: preparation.arranged(part, None).rows for name, part in splits.items()}
    assert rows["train"].min() == 8
    assert rows["train"].max() + 3 == 60
    assert rows["validation"].min() == 60
    assert rows["validation"].max() + 3 == 80
    assert rows["test"].min() == 80
    assert rows["test"].max() + 3 == 100


def test_stride_is_for_training_alone(source, catalog):
    splits = source(walk(100))
    preparation = windows(catalog, window=8, stride=4)
    assert np.diff(preparation.arranged(splits["train"], None).rows).tolist() == [4] * 12
    assert set(np.diff(preparation.arranged(splits["test"], None).rows)) == {1}


def test_scales_come_from_the_training_split(source, catalog):
    values = walk(100)
    values[60:] += 1000
    fitted = windows(catalog).fit(source(values)["train"])
    assert fitted["offset"][0] == pytest.approx(values[:60].mean())
    assert fitted["scale"][0] == pytest.approx(values[:60].std())
    json.dumps(fitted)


@pytest.mark.parametrize("scaling", SCALES)
@pytest.mark.parametrize("difference", [0, 1, 4])
@pytest.mark.parametrize("transform", ["none", "log"])
def test_restored_undoes_target(source, catalog, scaling, difference, transform):
    splits = source(walk(100, 3), channels=("c0", "c1"), inputs=("c2",))
    preparation = windows(
        catalog, window=8, horizon=6, scaling=scaling, difference=difference, transform=transform
    )
    fitted = preparation.fit(splits["train"])
    found = preparation.arranged(splits["test"], fitted)
    indices = np.arange(len(found))
    targets = np.stack([preparation.target(raw_target(found, n), fitted) for n in indices])
    assert targets.shape[1:] == preparation.target_type(splits["train"], None).shape
    restored = preparation.restored(targets, fitted, found.stack(indices))
    np.testing.assert_allclose(restored, found.truth(indices), rtol=1e-5)
    twice = np.stack([targets, targets + 0.5], axis=-1)
    quantiles = preparation.restored(twice, fitted, found.stack(indices))
    np.testing.assert_allclose(quantiles[..., 0], found.truth(indices), rtol=1e-5)
    assert (quantiles[..., 1] > quantiles[..., 0]).all()


@pytest.mark.parametrize("difference", [0, 1, 4])
def test_no_network_is_the_seasonal_naive_forecast_of_changes(source, catalog, difference):
    """Zero, unscaled, is the last known value `difference` steps back."""
    splits = source(walk(100))
    preparation = windows(catalog, window=8, horizon=6, scaling="none", difference=difference or 1)
    found = preparation.arranged(splits["test"], None)
    raw = found.stack(np.arange(1))
    zero = preparation.restored(np.zeros((1, 6, 1)), {"channels": ["c0"], "exogenous": []}, raw)
    lag = difference or 1
    known = raw[0, :, 0]
    assert zero[0, :, 0].tolist() == [known[len(known) - lag + n % lag] for n in range(6)]


@settings(max_examples=25)
@given(st.data(), st.sampled_from(["interpolate", "previous", "zero"]))
def test_gaps_are_filled_from_the_window_alone(catalog, data, rule):
    """What comes after a window never changes it, and nothing known is changed."""
    from workbench.plugin_api.windows import filled_windows

    count = data.draw(st.integers(3, 12))
    values = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=(count, 1))
    gone = data.draw(st.sets(st.integers(0, count - 1), max_size=count - 1))
    values[list(gone)] = np.nan
    filled = filled_windows(values, rule)
    known = np.isfinite(values)
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[known], values[known])
    if rule == "interpolate" and count - 1 in gone:
        last = values[np.flatnonzero(known[:, 0])[-1], 0]
        assert filled[-1, 0] == last  # not a line to a value to come


def test_steps_that_are_missing_are_not_forecast(source, catalog):
    values = walk(100)
    values[[70, 90]] = np.nan
    splits = source(values)
    preparation = windows(catalog, window=8, horizon=2)
    arranged = {name: preparation.arranged(part, None) for name, part in splits.items()}
    assert not {69, 70} & set(arranged["validation"].rows.tolist())
    assert "2 of 100 steps have missing values" in preparation.remarks(arranged)[0]
    whole = windows(catalog, window=8, horizon=2, missing="leave_out")
    assert not set(range(69, 79)) & set(whole.arranged(splits["validation"], None).rows.tolist())


def test_a_series_shorter_than_a_window_and_its_horizon(source, catalog):
    splits = source(walk(40))
    with pytest.raises(UserError, match="has 24 steps, but a window and its horizon take 31"):
        windows(catalog, window=30).arranged(splits["train"], None)
    preparation = windows(catalog, window=8, horizon=10)
    arranged = {name: preparation.arranged(part, None) for name, part in splits.items()}
    assert any("test split is too short" in note for note in preparation.remarks(arranged))


def test_no_logarithm_of_zero(source, catalog):
    values = walk(100)
    values[30] = 0
    with pytest.raises(UserError, match="“c0” is 0 at 30, which has no logarithm"):
        windows(catalog, transform="log").arranged(source(values)["train"], None)


def test_a_file_is_asked_about_what_comes_after_its_end(source, catalog, tmp_path):
    values = walk(50)
    times = [f"{1990 + n // 12}-{n % 12 + 1:02}" for n in range(50)]
    splits = source(values, times)
    preparation = windows(catalog, window=8, horizon=3)
    fitted = json.loads(json.dumps(preparation.fit(splits["train"])))
    (asked,) = preparation.file_samples(str(tmp_path / "table.csv"), fitted)
    np.testing.assert_allclose(asked.read(0), values[-8:])
    told = [splits["train"].data.info.text(time) for time in asked.times(np.arange(1))[0]]
    assert told == ["1994-03", "1994-04", "1994-05"]


def test_files_that_cannot_be_asked_about(source, catalog, tmp_path):
    preparation = windows(catalog, window=8)
    fitted = preparation.fit(source(walk(50))["train"])
    short = tmp_path / "short.csv"
    short.write_text("step,c0\n1,2\n2,3\n", encoding="utf-8")
    with pytest.raises(UserError, match="has 2 steps, but a forecast looks back at 8"):
        preparation.file_samples(str(short), fitted)
    short.write_text("step,other\n1,2\n2,3\n", encoding="utf-8")
    with pytest.raises(UserError, match="no column “c0”"):
        preparation.file_samples(str(short), fitted)


def test_what_is_known_ahead_comes_shifted_and_nothing_else_of_the_future(source, catalog):
    values = walk(60, 2)
    splits = source(values, ahead=("c1",))
    preparation = windows(catalog, window=6, horizon=4, scaling="none")
    fitted = preparation.fit(splits["train"])
    assert fitted["exogenous"] == ["c1", "c1, 4 ahead"]
    for name, part in splits.items():
        cut = preparation.arranged(part, fitted)
        for index in (0, len(cut) - 1):
            row = int(cut.rows[index])
            inputs = preparation.scale(cut.read(index), fitted)
            np.testing.assert_allclose(inputs[:, :2], values[row - 6 : row], rtol=1e-6)
            np.testing.assert_allclose(inputs[:, 2], values[row - 2 : row + 4, 1], rtol=1e-6)
            target = preparation.target(raw_target(cut, index), fitted)
            np.testing.assert_allclose(target[:, 0], values[row : row + 4, 0], rtol=1e-6), name


def test_files_bring_what_is_known_ahead_and_scripts_read_it_alike(source, catalog, tmp_path):
    values = walk(60, 2)
    preparation = windows(catalog, window=6, horizon=4)
    splits = source(values, ahead=("c1",))
    fitted = preparation.fit(splits["train"])
    rows = [f"{n},{a},{b}" for n, (a, b) in enumerate(values[:20].tolist())]
    plan = [f"{20 + n},,{n}" for n in range(4)]
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["step,c0,c1", *rows, *plan]), encoding="utf-8")
    (cut,) = preparation.file_samples(str(path), fitted)
    inputs = preparation.scale(cut.read(0), fitted)
    raw = inputs * fitted["scale"] + fitted["offset"]
    np.testing.assert_allclose(raw[-4:, 2], [0, 1, 2, 3], atol=1e-4)
    np.testing.assert_allclose(raw[:, 0], values[14:20, 0], rtol=1e-5)
    assert cut.times(np.array([0])).tolist() == [[20, 21, 22, 23]]
    scope = {}
    exec(join_sources("A script.", preparation.python_source(fitted)), scope)
    np.testing.assert_allclose(scope["load"](str(path))[0], inputs, atol=1e-6)
    assert scope["next_steps"](str(path)) == [("", ["20", "21", "22", "23"])]
    path.write_text("\n".join(["step,c0,c1", *rows, *plan[:3]]), encoding="utf-8")
    with pytest.raises(UserError, match="lacks “c1” for the 4 steps"):
        preparation.file_samples(str(path), fitted)


def test_the_calendar_is_read_from_dates(source, catalog):
    days = [f"2024-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    splits = source(walk(84), times=days)
    preparation = windows(catalog, window=7, scaling="none", calendar="week_year")
    fitted = preparation.fit(splits["train"])
    assert fitted["exogenous"] == ["week sine", "week cosine", "year sine", "year cosine"]
    cut = preparation.arranged(splits["train"], fitted)
    inputs = preparation.scale(cut.read(0), fitted)
    np.testing.assert_allclose(np.square(inputs[:, 1:3]).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(cut.read(0)[0, 1:3], cut.read(7)[0, 1:3], atol=1e-9)
    plain = source(walk(84))["train"]
    with pytest.raises(UserError, match="no dates"):
        windows(catalog, calendar="day").arranged(plain, None)
