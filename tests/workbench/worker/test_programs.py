"""Runs of networks that are kept as they were made: trained behind, exported, their files kept."""

from __future__ import annotations

import msgspec
import onnx  # noqa: TID253

from tests.plugins.importers.odd_graphs import sums
from tests.workbench.worker import digits_runs as runs
from workbench.document.graph import Node
from workbench.runs import events as ev
from workbench.worker.export import export_run
from workbench.worker.pretrained.importing import Wish, take


def test_a_run_keeps_its_features_and_goes_into_files(catalog, train, tmp_path):
    path = sums(tmp_path / "net.onnx", opset=12)
    wish = Wish(source=str(path), classes=10, folder=tmp_path / "kept")
    taken = take(wish, catalog)
    nodes = taken.experiment.graph.nodes
    value = msgspec.structs.replace(
        runs.experiment(nodes, epochs=1), assets=taken.experiment.assets
    )
    folder = runs.run_folder(value, tmp_path)
    assert train(folder) == 0, runs.only(folder, ev.Failed)
    assert any("frozen layers ran once" in e.message for e in runs.only(folder, ev.Noted))
    wanted = ["onnx", "python", "torch", "pt2"]
    out = tmp_path / "out"
    out.mkdir()
    report = export_run(folder, [(name, out) for name in wanted], catalog, keep_going=True)
    assert [failed.format for failed in report.failed] == ["pt2"]
    assert "onnxruntime runs" in report.failed[0].message
    assert [file.format for file in report.files] == wanted[:3]
    assert all(file.max_difference <= 1e-5 for file in report.files)
    merged = onnx.load(report.files[0].path)
    assert {"Conv", "CumSum", "Gemm"} <= {node.op_type for node in merged.graph.node}
    assert (out / "assets" / taken.experiment.assets[0].name).is_file()


def test_blocks_at_any_place_go_into_an_onnx_file(catalog, train, tmp_path):
    path = sums(tmp_path / "net.onnx", opset=12)
    taken = take(Wish(source=str(path), folder=tmp_path / "kept"), catalog)
    block = taken.experiment.graph["net"]
    replaced = msgspec.structs.replace
    nodes = (
        Node("image", "Input"),
        Node("conv", "Conv2D", {"filters": 1, "padding": "same"}, ("image",), trainable=False),
        replaced(block, inputs=("conv",), params={**block.params, "end": "body.Relu"}),
        Node("after", "Conv2D", {"filters": 3}, ("net",)),
        Node("flat", "Flatten", {}, ("after",)),
        replaced(block, id="whole", inputs=("image",)),
        Node("both", "Concatenate", {}, ("flat", "whole")),
        Node("head", "Dense", {"units": 10}, ("both",)),
        Node("output", "Output", {}, ("head",)),
    )
    value = replaced(runs.experiment(nodes, epochs=1), assets=taken.experiment.assets)
    folder = runs.run_folder(value, tmp_path)
    assert train(folder) == 0, runs.only(folder, ev.Failed)
    report = export_run(folder, [("onnx", tmp_path / "whole")], catalog)
    assert not report.failed
    (file,) = report.files
    assert file.max_difference <= 1e-5
    kinds = [node.op_type for node in onnx.load(file.path).graph.node]
    assert kinds.count("CumSum") == 2
    assert "Kept" not in kinds
