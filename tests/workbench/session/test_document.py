"""The open experiment: edits, undo, selection, saving, and what is kept when all goes wrong."""

from __future__ import annotations

import pytest

from workbench.document import edits
from workbench.document.experiment import Experiment
from workbench.document.files import load, save
from workbench.document.graph import Node
from workbench.document.recovery import recoverable, recovery_folder
from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.session.document import DocumentSession


@pytest.fixture
def document(catalog) -> DocumentSession:
    return DocumentSession(catalog)


def add(node_id: str, kind: str = "ReLU"):
    return lambda experiment: edits.add_node(experiment, Node(node_id, kind))


def heard(document: DocumentSession) -> list[str]:
    """Return the list to which the names of emitted signals are appended."""
    names: list[str] = []
    for name in ("experiment_changed", "report_changed", "selection_changed", "file_changed"):
        getattr(document, name).connect(lambda name=name: names.append(name))
    return names


def test_an_edit_is_announced_once_and_undone(document):
    names = heard(document)
    assert document.edit(add("relu1"), "Add ReLU")
    assert names.count("experiment_changed") == 1
    assert (document.undo_title, document.redo_title) == ("Add ReLU", "")
    assert not document.is_saved
    document.undo()
    assert len(document.experiment.graph) == 0
    assert document.is_saved
    assert document.redo_title == "Add ReLU"
    document.redo()
    assert "relu1" in document.experiment.graph


def test_an_edit_that_changes_nothing_is_silent(document):
    names = heard(document)
    assert not document.edit(lambda experiment: experiment, "Nothing")
    document.undo()
    document.redo()
    assert names == []


def test_an_illegal_edit_changes_nothing(document):
    document.edit(add("relu1"), "Add")
    before = document.experiment
    with pytest.raises(UserError):
        document.edit(add("relu1"), "Add again")
    assert document.experiment is before
    assert document.undo_title == "Add"


def test_the_selection_forgets_what_is_gone(document):
    document.edit(add("relu1"), "Add")
    document.edit(add("relu2"), "Add")
    document.select(["relu1", "ghost", "relu2"])
    assert document.selection == ("relu1", "relu2")
    document.edit(lambda e: edits.remove_nodes(e, ["relu1"]), "Remove")
    assert document.selection == ("relu2",)


def test_data_are_taken_into_the_check(document):
    document.edit(add("input1", "Input"), "Add")
    assert any("shape of the data" in problem.message for problem in document.report.problems)
    names = heard(document)
    document.set_info(DataInfo(input=TensorType((8, 8, 1))))
    assert not any("shape of the data" in problem.message for problem in document.report.problems)
    assert names == ["report_changed"]


def test_saving_and_opening(document, tmp_path):
    with pytest.raises(UserError, match="no file yet"):
        document.save()
    document.edit(add("relu1"), "Add")
    document.save(tmp_path / "mine")
    assert document.path == tmp_path / "mine.workbench.json"
    assert document.is_saved
    assert load(document.path) == document.experiment
    document.edit(add("relu2"), "Add")
    document.save()
    assert len(load(document.path).graph) == 2


def test_a_file_that_cannot_be_read_changes_nothing(document, tmp_path):
    document.edit(add("relu1"), "Add")
    before = document.experiment
    with pytest.raises(UserError):
        document.open(tmp_path / "nothing.workbench.json")
    assert document.experiment is before


def test_opening_begins_a_new_history(document, tmp_path):
    path = save(Experiment(name="Other"), tmp_path / "other")
    document.edit(add("relu1"), "Add")
    document.select(["relu1"])
    document.open(path)
    assert document.experiment.name == "Other"
    assert (document.path, document.undo_title, document.selection) == (path, "", ())
    assert document.is_saved


def test_unsaved_work_is_kept_until_it_is_saved(document, tmp_path):
    document.edit(add("relu1"), "Add")
    document.tick()
    assert len(list(recovery_folder().glob("*.json"))) == 1
    document.save(tmp_path / "mine")
    assert list(recovery_folder().glob("*.json")) == []


def test_closing_leaves_nothing_to_recover(document):
    document.edit(add("relu1"), "Add")
    document.tick()
    document.close()
    assert list(recovery_folder().iterdir()) == []


def test_recovered_work_is_unsaved_and_kept_again(document, tmp_path):
    recovered = Experiment(name="Rescued")
    document.restore(recovered, tmp_path / "mine.workbench.json")
    assert document.experiment is recovered
    assert not document.is_saved
    assert len(list(recovery_folder().glob("*.json"))) == 1
    assert recoverable() is None, "it belongs to a window that is alive"
    document.save()
    assert load(tmp_path / "mine.workbench.json") == recovered
