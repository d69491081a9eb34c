"""Scripts of tags, labels and numbers: both frameworks' say of a file what `predict` says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from plugins.exporters.keras_script import KerasScriptExporter
from plugins.exporters.python_script import PythonScriptExporter
from tests.plugins.exporters import keras_batches
from tests.plugins.exporters.networks import Sketch, run_of
from workbench.document.experiment import Component, Data, Experiment
from workbench.plugin_api.exporter import ExportOptions
from workbench.worker.export_request import raw_request
from workbench.worker.predict import predict_files
from workbench.worker.trained import open_trained

WORDS = Component("tagged_words", {"vocabulary_size": 300})
SYMBOLS = Component("text", {"tokeniser": "characters", "vocabulary_size": 64})
TABLE = Component("table")
HEAD = "colour,size,first,second"
ROWS = ["red,1,0,1", "blue,2,1,1", "red,,1,0", "green,4,0,0"]
FILES = {
    "tags": "東京 で 会議 が 開か れ た 。",
    "labels": "size,note,colour\n3,x,red\n,y,violet\n9,z,blue\n",
    "numbers": "size,note,colour\n3,x,red\n,y,violet\n9,z,blue\n",
    "text": "CC(=O)Oc1ccccc1",
}
SAY = """
import importlib.util, json, sys
import numpy as np

told = {}
for script, file in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location("exported", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = module.load(file)
    varies = "lengths" in module.forward.__code__.co_varnames[:3]
    batch = given if file.endswith(".csv") else given[None]
    lengths = (np.full(len(batch), batch.shape[1]),) if varies else ()
    told[script] = module.told(module.forward(module.load_model(), batch, *lengths), file)
print(json.dumps(told))
"""


def experiments(folder):
    """Return a small network of each task."""
    table = folder / "things.csv"
    table.write_text("\n".join([HEAD, *ROWS * 8]), encoding="utf-8")
    rows = {"file": str(table), "target_columns": "first, second"}
    add = Sketch()
    add("Embedding", vocabulary=300, features=6)
    add("LSTM", units=5, direction="both", sequences=True)
    add("Dense", units=17)
    tags = add.graph()
    add = Sketch()
    add("Dense", units=2)
    pair = add.graph()
    add = Sketch()
    add("Embedding", vocabulary=64, features=6)
    add("GlobalAveragePool")
    add("Dense", units=1)
    number = add.graph()
    cases = {
        "tags": (tags, Component("japanese_sentences"), WORDS, "sequence_labelling"),
        "labels": (pair, Component("table", rows), TABLE, "multi_label"),
        "numbers": (pair, Component("table", {**rows, "learn": "number"}), TABLE, "regression"),
        "text": (number, Component("molecules"), SYMBOLS, "regression"),
    }
    return {
        name: Experiment(
            name=name,
            graph=graph,
            data=Data(source=source, preprocessing=prep),
            task=Component(task),
        )
        for name, (graph, source, prep, task) in cases.items()
    }


@pytest.fixture(scope="module")
def scripts(catalog, tmp_path_factory):
    """Return what is wanted of each network's file, and both scripts with that file."""
    folder = tmp_path_factory.mktemp("scripts")
    requests, wanted, files = {}, {}, {}
    for name, given in experiments(folder).items():
        run = run_of(given, folder / name, catalog)
        requests[name], _ = raw_request(run, open_trained(run, catalog), catalog, ExportOptions())
        file = folder / f"{name}.{'csv' if name in ('labels', 'numbers') else 'txt'}"
        file.write_text(FILES[name], encoding="utf-8")
        files[name] = str(file)
        wanted[name] = [
            answer.prediction.in_words() for _, answer in predict_files(run, [file], catalog)
        ]
    found = []
    for name, request in requests.items():
        path = folder / f"{name}_torch.py"
        PythonScriptExporter().export(request, path)
        found.append((name, str(path), files[name]))
    written = keras_batches.written([KerasScriptExporter()], requests, folder)
    found += [(name, str(path), files[name]) for (_, name), path in written.items()]
    return wanted, found


def test_scripts_say_what_predict_says(scripts):
    wanted, found = scripts
    asked = [(script, file) for _, script, file in found]
    assert len(asked) == 8
    done = subprocess.run(
        [sys.executable, "-I", "-c", SAY, json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**keras_batches.THREADS, "KERAS_BACKEND": "torch"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for name, script, _ in found:
        lines = told[script].split("\n")
        assert [line for line in lines if line] == wanted[name], (script, wanted[name])
    assert [len(lines) for lines in wanted.values()] == [1, 3, 3, 1]
    assert wanted["tags"][0].startswith("東京/")
    assert wanted["numbers"][0].startswith("first ")
