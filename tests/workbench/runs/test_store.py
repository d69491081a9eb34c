from __future__ import annotations

import time

import pytest
from filelock import FileLock

from tests.workbench.runs.written_runs import append, epoch, started, whole_run, write_run
from workbench.errors import UserError
from workbench.runs import events as ev
from workbench.runs import store
from workbench.runs.folder import RunFolder


def test_summary_of_an_ended_run(tmp_path):
    run = store.summarise(write_run(tmp_path))
    assert (run.status, run.epochs, run.planned_epochs) == ("completed", 3, 3)
    assert (run.monitor, run.best, run.last) == ("val/accuracy", 0.9, 0.8)
    assert run.test == {"test/accuracy": 0.85}
    assert (run.backend, run.device, run.created) == ("torch", "cpu", 1000.0)
    assert run.duration == pytest.approx(9.0)
    assert run.title == run.experiment == "written"
    assert run.size > 1000
    assert not run.running


def test_events_that_go_on_without_a_worker_are_interrupted(tmp_path):
    folder = write_run(tmp_path, list(whole_run())[:6])
    assert store.summarise(folder).status == "interrupted"
    with FileLock(folder.lock):
        run = store.summarise(folder)
        assert (run.status, run.running) == ("training", True)


@pytest.mark.parametrize(
    ("told", "running", "status"),
    [
        ("new", False, "new"),
        ("preparing", False, "interrupted"),
        ("preparing", True, "preparing"),
        ("paused", False, "interrupted"),
        ("stopping", False, "interrupted"),
        ("stopped", False, "stopped"),
        ("failed", False, "failed"),
        ("training", True, "training"),
    ],
)
def test_status_from_events_and_lock(told, running, status):
    assert store.run_status(told, running) == status


def test_pauses_and_interruptions_are_no_work(tmp_path):
    events = [
        started(100.0),
        *epoch(101.0, 1, 0.5),  # last word at 101.5
        ev.Paused(time=102.0, step=10),
        ev.Continued(time=500.0, step=10),
        *epoch(501.0, 2, 0.6),  # cut off at 501.5
        started(900.0, step=10),
        *epoch(901.0, 2, 0.6),
        ev.Finished(time=902.0, step=20, reason="stopped", metrics={}),
    ]
    run = store.summarise(write_run(tmp_path, events))
    assert run.duration == pytest.approx(2.0 + 1.5 + 2.0)
    assert (run.status, run.epochs) == ("stopped", 2)


def test_what_was_kept_grows_with_the_log(tmp_path):
    folder = write_run(tmp_path)
    first = store.summarise(folder)
    assert folder.summary.is_file()
    assert store.summarise(folder).best == first.best
    append(folder, [started(2000.0, step=30, epochs=4), *epoch(2001.0, 4, 0.99)])
    grown = store.summarise(folder)
    assert (grown.epochs, grown.planned_epochs, grown.best) == (4, 4, 0.99)
    assert grown.status == "interrupted"
    append(folder, [ev.Finished(time=2003.0, step=40, reason="completed", metrics={})])
    assert store.summarise(folder).status == "completed"
    assert store.summarise(folder).duration == pytest.approx(9.0 + 3.0)


def test_a_log_that_was_replaced_is_read_anew(tmp_path):
    folder = write_run(tmp_path)
    assert store.summarise(folder).epochs == 3
    folder.events.write_bytes(ev.encode(started(5000.0)))
    run = store.summarise(folder)
    assert (run.epochs, run.created) == (0, 5000.0)


def test_damaged_summary_is_made_again(tmp_path):
    folder = write_run(tmp_path)
    store.summarise(folder)
    folder.summary.write_bytes(b'{"offset": "x"')
    assert store.summarise(folder).best == 0.9


def test_torn_and_foreign_lines_do_no_harm(tmp_path):
    folder = write_run(tmp_path, list(whole_run())[:6])
    with folder.events.open("ab") as file:
        file.write(b'{"event":"sung","time":1}\n\xff\xfe\n{"event":"fini')
    assert store.summarise(folder).status == "interrupted"


def test_list_passes_over_foreign_folders_and_gives_reasons_for_damaged_runs(tmp_path):
    good = write_run(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "readme.txt").write_text("not a folder")
    cut = write_run(tmp_path, name="cut")
    cut.experiment.write_bytes(cut.experiment.read_bytes()[:80])
    other = tmp_path / "other"
    other.mkdir()
    (other / "experiment.json").write_text('{"format": "a recipe", "name": "cake"}')
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "events.jsonl").touch()
    runs = {run.folder.name: run for run in store.list_runs(tmp_path)}
    assert set(runs) == {good.name, cut.name, "other", "empty"}
    assert runs[good.name].status == "completed"
    for name in (cut.name, "other", "empty"):
        assert runs[name].status == "damaged"
        assert runs[name].reason.startswith("Its experiment")


def test_list_of_no_folder_is_empty(tmp_path):
    assert store.list_runs(tmp_path / "nowhere") == []


def test_newest_run_is_first_and_last(tmp_path):
    old = write_run(tmp_path, whole_run(1000.0))
    new = write_run(tmp_path, whole_run(3000.0))
    middle = write_run(tmp_path, whole_run(2000.0))
    assert [run.folder for run in store.list_runs(tmp_path)] == [new, middle, old]
    assert store.find_run("last", tmp_path) == new


def test_runs_are_found_by_path_name_and_part(tmp_path):
    digits = write_run(tmp_path, name="digits")
    write_run(tmp_path, name="shapes one")
    write_run(tmp_path, name="shapes two")
    assert store.find_run(str(digits.path), tmp_path / "elsewhere") == digits
    assert store.find_run(digits.name, tmp_path) == digits
    assert store.find_run("digits", tmp_path) == digits
    with pytest.raises(UserError, match="Several"):
        store.find_run("shapes", tmp_path)
    with pytest.raises(UserError, match="no run"):
        store.find_run("faces", tmp_path)
    with pytest.raises(UserError, match="no run"):
        store.find_run("last", tmp_path / "empty")


def test_300_runs_are_listed_within_a_second(tmp_path):
    steps = [
        ev.Steps(time=1002.0, first=i, columns={"loss": [0.5] * 10}, samples_per_second=1.0)
        for i in range(1, 2000, 10)
    ]
    head, *rest = whole_run()
    for number in range(300):
        write_run(tmp_path, [head, rest[0], *steps, *rest[1:]], name=f"run {number}")
    begin = time.process_time()  # what other processes do meanwhile is not our time
    runs = store.list_runs(tmp_path)
    first = time.process_time() - begin
    begin = time.process_time()
    again = store.list_runs(tmp_path)
    second = time.process_time() - begin
    assert len(runs) == 300
    assert [run.best for run in again] == [0.9] * 300
    assert first < 1.0
    assert second < 0.5


def test_notes_are_kept_and_name_the_run(tmp_path):
    folder = write_run(tmp_path)
    store.annotate(folder, store.Notes(title="The good one", notes="more dropout", starred=True))
    run = store.summarise(folder)
    assert (run.title, run.notes, run.starred) == ("The good one", "more dropout", True)
    folder.notes.write_bytes(b"\xff")
    assert store.summarise(folder).title == "written"
    with pytest.raises(UserError):
        store.annotate(RunFolder(tmp_path / "gone"), store.Notes())


def test_running_and_foreign_folders_are_not_deleted(tmp_path):
    folder = write_run(tmp_path)
    with FileLock(folder.lock), pytest.raises(UserError, match="is running"):
        store.delete(folder)
    assert folder.experiment.is_file()
    photos = tmp_path / "photos"
    photos.mkdir()
    with pytest.raises(UserError, match="not a run"):
        store.delete(RunFolder(photos))
    assert photos.is_dir()
    store.delete(folder)
    assert not folder.path.exists()


def test_read_only_run_is_listed(tmp_path, monkeypatch):
    folder = write_run(tmp_path)

    def refuse(*_args, **_options):
        raise UserError("read-only")

    monkeypatch.setattr("workbench.runs.summary.write_atomically", refuse)
    assert store.summarise(folder).status == "completed"
    assert not folder.summary.exists()
