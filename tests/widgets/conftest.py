"""Fixtures of widgets that show runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import resources
from tests.widgets.runs_on_disk import experiment, write_run
from tests.widgets.session_at_rest import SessionAtRest
from tests.widgets.window_at_rest import open_window
from widgets.theme import Theme
from workbench.catalog import Catalog
from workbench.document.files import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from widgets.main_window import MainWindow
    from workbench.runs.folder import RunFolder


@pytest.fixture(scope="session")
def shared_theme(qapp) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def theme(shared_theme) -> Theme:
    if shared_theme.choice != "dark":
        shared_theme.apply("dark")
    return shared_theme


@pytest.fixture
def runs_folder(tmp_path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def run_folder(runs_folder) -> RunFolder:
    return write_run(runs_folder)


@pytest.fixture
def at_rest(catalog, runs_folder, qapp) -> Iterator[SessionAtRest]:
    """A session that shows no run yet, with the digits network in the editor."""
    session = SessionAtRest(catalog, runs_folder)
    session.document.replace(experiment())
    yield session
    session.close()


@pytest.fixture
def window(qtbot, catalog_with_views, theme, runs_folder) -> MainWindow:
    """The whole window, with the digits example in it."""
    made = open_window(catalog_with_views, theme, runs_folder)
    qtbot.addWidget(made, before_close_func=lambda window: window.close_at_once())
    made.session.document.replace(load(resources.examples()["digits-cnn"]))
    qtbot.waitExposed(made)
    return made


@pytest.fixture(scope="session")
def catalog_with_views() -> Catalog:
    return Catalog.load(for_window=True)
