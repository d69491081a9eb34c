"""Preferences survive anything that can happen to their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import preferences
from workbench.preferences import Preferences


def test_what_is_saved_is_loaded(home):
    mine = Preferences(theme="dark", runs_folder="/somewhere", keys={"run.start": "F9"})
    preferences.save(mine)
    assert preferences.load() == mine
    assert [file.name for file in home.iterdir()] == ["preferences.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"theme": "purple"}', b'{"recent": 3}', b"\xff\xfe", b"null"]
)
def test_a_broken_file_gives_the_defaults(home, content):
    (home / "preferences.json").write_bytes(content)
    assert preferences.load() == Preferences()


def test_settings_of_a_newer_version_are_ignored(home):
    (home / "preferences.json").write_bytes(b'{"theme": "light", "hologram": true}')
    assert preferences.load().theme == "light"


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    preferences.save(Preferences(theme="dark"))
    assert preferences.load() == Preferences()


def test_recent_files_are_unique_newest_first_and_few(tmp_path):
    mine = Preferences()
    for number in range(20):
        mine.remember(tmp_path / f"{number}.workbench.json")
    mine.remember(tmp_path / "15.workbench.json")
    assert len(mine.recent) == 12
    assert Path(mine.recent[0]).name == "15.workbench.json"
    assert len(set(mine.recent)) == 12


def test_home_moves_everything(home):
    assert preferences.config_folder() == home
    assert preferences.default_runs_folder() == home / "runs"


def test_without_it_the_system_decides(monkeypatch):
    monkeypatch.delenv("WORKBENCH_HOME")
    assert preferences.APP in str(preferences.config_folder())
    assert preferences.default_runs_folder().name == "runs"
