from __future__ import annotations

import time

import numpy as np
import pytest
from filelock import FileLock

from tests.workbench.runs.written_runs import append, epoch, started, whole_run, write_run
from workbench.catalog import Catalog
from workbench.document.experiment import Experiment
from workbench.errors import UserError
from workbench.plugin_api.class_results import summarise
from workbench.plugin_api.launcher import Launcher
from workbench.plugin_api.task import Evaluation
from workbench.runs import commands, follow
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineTail
from workbench.runs.probes import Snapshot, write_snapshot
from workbench.runs.request import Request, read_request
from workbench.runs.results import Results, write_results
from workbench.session import shown_run
from workbench.session.run import RunSession


class ScriptedLauncher(Launcher):
    """Stands in for worker processes: the test says what each of them does."""

    id = "local"

    def __init__(self) -> None:
        self.submitted: list[RunFolder] = []
        self.cancelled: list[tuple[RunFolder, int]] = []
        self.error: UserError | None = None
        self.death = ""
        self.lock: FileLock | None = None

    def submit(self, run_folder, backend=""):
        if self.error is not None:
            raise self.error
        self.submitted.append(RunFolder(run_folder))

    def cancel(self, run_folder, pid=0):
        self.cancelled.append((RunFolder(run_folder), pid))
        self.end()

    def failure(self, run_folder):
        return self.death

    def take_lock(self) -> None:
        self.lock = FileLock(self.submitted[-1].lock)
        self.lock.acquire()

    def begin(self, *, step: int = 0, epochs: int = 3) -> None:
        self.take_lock()
        self.say(started(time.time(), step=step, epochs=epochs, pid=4321))

    def say(self, *events: ev.Event) -> None:
        append(self.submitted[-1], events)

    def finish(self, reason: str = "completed", step: int = 30) -> None:
        self.say(ev.Finished(time=time.time(), step=step, reason=reason, metrics={}))
        self.end()

    def end(self) -> None:
        if self.lock is not None:
            self.lock.release()
            self.lock = None


@pytest.fixture
def launcher(monkeypatch):
    monkeypatch.setattr(follow, "PROBE_SECONDS", 0.02)
    launcher = ScriptedLauncher()
    yield launcher
    launcher.end()


@pytest.fixture
def run(launcher, tmp_path):
    catalog = Catalog()
    catalog.launchers._items["local"] = lambda: launcher
    session = RunSession(catalog, tmp_path / "runs")
    session.messages = []
    session.messaged.connect(session.messages.append)
    yield session
    session.close()


def wait_for(run, condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        run.tick()
        time.sleep(0.003)
    assert condition()


def told(folder):
    return [commands.decode(line) for line in LineTail(folder.commands).read()]


def start(run, launcher, epochs=3):
    run.start(Experiment(name="x"))
    launcher.begin(epochs=epochs)
    wait_for(run, lambda: run.status == "training" and run._shown.is_running)


def test_a_run_from_start_to_end(run, launcher):
    opened, updates = [], []
    run.opened.connect(lambda: opened.append(run.folder))
    run.updated.connect(lambda: updates.append(run.status))
    run.start(Experiment(name="my digits"))
    assert opened == launcher.submitted
    assert run.experiment.name == "my digits"
    assert (run.status, run.is_active) == ("preparing", True)
    launcher.begin()
    launcher.say(*epoch(time.time(), 1, 0.5))
    wait_for(run, lambda: run.state.epoch == 1)
    assert (run.status, run.is_active) == ("training", True)
    launcher.finish()
    wait_for(run, lambda: not run.is_active)
    assert run.status == "completed"
    assert updates
    assert run.messages == []


def test_updated_comes_once_a_tick_at_most(run, launcher):
    start(run, launcher)
    launcher.say(*epoch(time.time(), 1, 0.5), *epoch(time.time(), 2, 0.6))
    updates = []
    run.updated.connect(lambda: updates.append(run.state.epoch))
    deadline = time.monotonic() + 5
    while run.state.epoch < 2 and time.monotonic() < deadline:
        before = len(updates)
        run.tick()
        assert len(updates) - before <= 1
    assert updates[-1] == 2


def test_nothing_is_left_of_a_run_that_cannot_be_submitted(run, launcher):
    launcher.error = UserError("no process left")
    with pytest.raises(UserError, match="no process"):
        run.start(Experiment())
    assert run.folder is None
    assert list(run.runs_folder.iterdir()) == []


def test_start_into_a_bad_place_raises(run, tmp_path):
    run.runs_folder = tmp_path / "file"
    run.runs_folder.write_text("")
    with pytest.raises(UserError):
        run.start(Experiment())


def test_commands_reach_the_worker(run, launcher):
    start(run, launcher)
    run.pause()
    run.save_now()
    run.set_learning_rate(0.5)
    assert told(run.folder) == [
        commands.Pause(),
        commands.Save(),
        commands.SetLearningRate(learning_rate=0.5),
    ]
    launcher.say(ev.Paused(time=time.time(), step=3))
    wait_for(run, lambda: run.status == "paused")
    run.resume()
    assert told(run.folder)[-1] == commands.Resume()
    assert len(launcher.submitted) == 1


def test_commands_without_a_worker_are_refused_in_words(run, tmp_path):
    with pytest.raises(UserError, match="not training"):
        run.pause()
    run.open(write_run(tmp_path))
    with pytest.raises(UserError, match="not training"):
        run.set_learning_rate(0.1)


def test_first_stop_asks_and_second_ends(run, launcher):
    start(run, launcher)
    run.stop()
    assert told(run.folder) == [commands.Stop()]
    assert launcher.cancelled == []
    run.stop()
    assert launcher.cancelled == [(run.folder, 4321)]
    wait_for(run, lambda: not run.is_active)
    assert run.status == "interrupted"
    assert [message.text for message in run.messages] == ["Training was ended at once."]


def test_stop_before_the_worker_has_begun_asks_it_too(run, launcher):
    run.start(Experiment())
    run.stop()
    assert told(run.folder) == [commands.Stop()]
    launcher.death = "The training process was ended by signal 9."
    run.stop()
    assert launcher.cancelled == [(run.folder, 0)]
    wait_for(run, lambda: not run.is_active)
    assert [message.severity for message in run.messages] == ["info"]


def test_a_worker_that_dies_early_is_reported(run, launcher):
    run.start(Experiment())
    launcher.death = "The training process ended with status 1: no torch"
    wait_for(run, lambda: not run.is_active)
    assert "no torch" in run.messages[-1].text
    assert "stderr.log" in run.messages[-1].hint


def test_a_worker_that_never_takes_the_lock_is_reported(run, launcher, monkeypatch):
    monkeypatch.setattr(shown_run, "START_SECONDS", 0.2)
    run.start(Experiment())
    wait_for(run, lambda: not run.is_active)
    assert "not begun" in run.messages[-1].text


def test_a_quick_failure_is_said_once(run, launcher):
    run.start(Experiment())
    launcher.say(ev.Failed(time=time.time(), message="No memory left.", hint="Smaller batches."))
    launcher.death = "The training process ended with status 1"
    wait_for(run, lambda: not run.is_active)
    assert run.status == "failed"
    assert [message.text for message in run.messages] == ["No memory left."]


def test_a_worker_that_vanishes_leaves_an_interrupted_run_that_resumes(run, launcher):
    start(run, launcher)
    launcher.say(*epoch(time.time() - 1, 1, 0.5))
    launcher.end()
    wait_for(run, lambda: run.status == "interrupted")
    assert "gone" in run.messages[-1].text
    run.resume()
    assert read_request(run.folder) == Request(resume=True)
    assert (run.status, run.is_active) == ("preparing", True)
    launcher.begin(step=10)
    wait_for(run, lambda: run.status == "training")
    assert len(launcher.submitted) == 2


def test_an_ended_run_is_continued_for_more_epochs(run, launcher):
    start(run, launcher)
    for number in (1, 2, 3):
        launcher.say(*epoch(time.time(), number, 0.5))
    launcher.finish()
    wait_for(run, lambda: not run.is_active and run.status == "completed")
    with pytest.raises(UserError, match="epochs are done"):
        run.resume()
    run.continue_for(5)
    assert read_request(run.folder) == Request(resume=True, epochs=8)


def test_continuing_waits_for_the_old_worker_to_leave(run, launcher):
    start(run, launcher, epochs=1)
    launcher.say(*epoch(time.time(), 1, 0.5))
    launcher.say(ev.Finished(time=time.time(), step=10, reason="completed", metrics={}))
    wait_for(run, lambda: run.state.ended)
    run.continue_for(2)
    assert len(launcher.submitted) == 1
    launcher.end()
    wait_for(run, lambda: len(launcher.submitted) == 2)
    assert read_request(run.folder).epochs == 3


def test_a_training_run_is_not_continued(run, launcher):
    start(run, launcher)
    with pytest.raises(UserError, match="still training"):
        run.continue_for(5)


def test_what_is_watched_reaches_every_worker_once(run, launcher):
    run.watch(3, ("conv1",), ("conv1", "pool1"))
    start(run, launcher)
    wanted = commands.Watch(sample=3, layers=("conv1",), thumbnails=("conv1", "pool1"))
    run.watch(3, ("conv1",), ("conv1", "pool1"))
    assert told(run.folder) == [wanted]
    run.watch(4, ("conv1",), ())
    assert told(run.folder)[-1].sample == 4
    launcher.end()
    wait_for(run, lambda: not run.is_active)
    run.watch(5, (), ())
    run.resume()
    assert told(run.folder) == [commands.Watch(sample=5)]


def test_long_log_is_replayed_in_slices(run, tmp_path):
    count = 50_000
    steps = [
        ev.Steps(time=float(i), first=i, columns={"loss": [0.5]}, samples_per_second=1.0)
        for i in range(1, count + 1)
    ]
    folder = write_run(tmp_path, [started(0.0, epochs=10_000), *steps])
    run.open(folder)
    ticks = []
    deadline = time.monotonic() + 30
    while run.state.step < count and time.monotonic() < deadline:
        begin = time.thread_time()
        run.tick()
        ticks.append(time.thread_time() - begin)
    assert run.state.step == count
    assert len(ticks) > 10
    assert max(ticks) < 0.05


def test_opened_run_shows_no_old_failure_again(run, tmp_path):
    failed = [started(1.0), ev.Failed(time=2.0, message="Old trouble.")]
    run.open(write_run(tmp_path, failed))
    wait_for(run, lambda: run.status == "failed")
    assert run.messages == []


def test_run_of_a_newer_version_opens_with_a_warning(run, tmp_path):
    folder = write_run(tmp_path, [started(1.0)])
    with folder.events.open("ab") as file:
        file.write(b'{"event":"sung"}\n{"event":"danced"}\n')
    folder.experiment.write_bytes(folder.experiment.read_bytes().replace(b'": 1,', b'": 999,'))
    run.open(folder)
    wait_for(run, lambda: len(run.messages) >= 1 and run.state.planned_epochs == 3)
    wait_for(run, lambda: any("2 lines" in message.text for message in run.messages))


def test_foreign_folder_is_not_opened(run, tmp_path):
    with pytest.raises(UserError, match="not a run"):
        run.open(RunFolder(tmp_path))
    assert run.folder is None


def test_another_run_takes_the_place_of_the_shown_one(run, tmp_path):
    run.open(write_run(tmp_path, name="one"))
    wait_for(run, lambda: run.state.ended)
    second = write_run(tmp_path, whole_run(accuracies=(0.5,)), name="two")
    run.open(second)
    assert run.state.status == "new"
    wait_for(run, lambda: run.state.planned_epochs == 1)
    run.close_run()
    assert (run.folder, run.experiment, run.state.status, run.status) == (None, None, "new", "new")
    run.tick()


def test_snapshots_and_results_arrive_with_a_signal(run, tmp_path):
    folder = write_run(tmp_path)
    folder.probes.mkdir()
    folder.results.mkdir()
    thumbnail = np.arange(6, dtype=np.uint8).reshape(2, 3)
    write_snapshot(
        folder.probes / "000010.safetensors", Snapshot(step=10, thumbnails={"conv1": thumbnail})
    )
    answers = Results(10, np.arange(3), summarise(np.eye(3), np.arange(3)).arrays())
    write_results(folder.results / "test.safetensors", answers)
    assert run.snapshot("000010.safetensors") is None
    run.open(folder)
    updates = []
    run.updated.connect(lambda: updates.append(1))
    wait_for(run, lambda: run.snapshot("000010.safetensors") is not None)
    assert (run.snapshot("000010.safetensors").thumbnails["conv1"] == thumbnail).all()
    wait_for(run, lambda: run.results("test") is not None)
    assert (run.results("test").arrays["confusion"] == np.eye(3)).all()
    assert run.results("validation") is None
    assert updates


def test_snapshots_that_were_thinned_out_are_forgotten(run, tmp_path):
    names = [f"{step:06d}.safetensors" for step in (0, 5, 10, 15)]
    probed = [ev.Probed(time=1001.0, step=int(name[:6]), name=name, seconds=0.1) for name in names]
    folder = write_run(tmp_path, [started(1000.0), *probed])
    folder.probes.mkdir()
    for name in (names[0], names[2]):
        write_snapshot(folder.probes / name, Snapshot(step=int(name[:6])))
    run.open(folder)
    wait_for(run, lambda: len(run.state.probes) == 4)
    assert run.snapshot(names[1]) is None
    wait_for(run, lambda: len(run.state.probes) == 3)
    # The last one is newer than all that is there: it may have been written meanwhile.
    assert [name for _, name in run.state.probes] == [names[0], names[2], names[3]]


def test_new_results_take_the_place_of_old_ones(run, launcher):
    start(run, launcher)
    folder = run.folder
    folder.results.mkdir()

    def evaluated(step):
        answers = Results(step, np.arange(3), summarise(np.eye(3), np.arange(3)).arrays())
        write_results(folder.results / "validation.safetensors", answers)
        evaluation = Evaluation(metrics={"accuracy": 1.0})
        launcher.say(
            ev.Evaluated(time=time.time(), split="validation", step=step, evaluation=evaluation)
        )

    assert run.results("validation") is None
    for step in (10, 20):
        evaluated(step)
        wait_for(run, lambda s=step: (r := run.results("validation")) is not None and r.step == s)


def test_runs_are_listed_annotated_and_deleted(run, tmp_path):
    run.runs_folder = tmp_path
    first, second = write_run(tmp_path, name="first"), write_run(tmp_path, name="second")
    run.refresh()
    run.refresh()
    wait_for(run, lambda: len(run.runs) == 2)
    run.annotate(first, "Better", "with noise")
    wait_for(run, lambda: any(summary.title == "Better" for summary in run.runs))
    run.open(first)
    run.delete(first)
    assert run.folder is None
    assert [summary.folder for summary in run.runs] == [second]
    wait_for(run, lambda: not first.path.exists())
    with FileLock(second.lock), pytest.raises(UserError, match="is running"):
        run.delete(second)


def test_no_run_to_resume_is_said_in_words(run):
    with pytest.raises(UserError, match="No run is open"):
        run.resume()
    run.stop()
