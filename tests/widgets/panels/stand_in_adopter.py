"""Answers as the process that imports networks does, without a framework: one small network."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from workbench.adopting import Importing, ListModels, ModelImported, ModelsListed, Request
from workbench.analysis.import_report import ImportReport
from workbench.catalog import Catalog
from workbench.document.experiment import Component
from workbench.document.graph import Graph, Node
from workbench.plugin_api.importer import Imported
from workbench.reading import Refused
from workbench.worker.pretrained import importing, making
from workbench.worker.pretrained.beside import beside
from workbench.worker.pretrained.checking import resolved
from workbench.worker.serving import serve

CATALOG = Catalog.load()


def imported(name: str) -> Imported:
    same = {"filters": 4, "kernel_size": [3, 3], "padding": "same"}
    nodes = [Node("input", "Input"), Node("conv1", "Conv2D", same, ("input",))]
    for stage in range(2):
        for number in range(4):
            kind = "ReLU" if number % 2 else "Conv2D"
            params = same if kind == "Conv2D" else {}
            group = f"layer{stage}/{number // 4}"
            nodes.append(Node(f"layer{stage}_{number}", kind, params, (nodes[-1].id,), group=group))
    nodes.append(Node("pool", "GlobalAveragePool", {}, (nodes[-1].id,)))
    nodes.append(Node("fc", "Dense", {"units": 1000}, ("pool",)))
    nodes.append(Node("output", "Output", {}, ("fc",)))
    return Imported(
        name=name,
        origin=f"{name} of a stand-in",
        graph=Graph(tuple(nodes)),
        weights={"conv1/bias": np.arange(4, dtype=np.float32)},
        input_shape=(16, 16, 3),
        original=lambda inputs: inputs,
        parameters=1,
        preprocessing=Component("image", {"height": 16, "width": 16, "channels": "rgb"}),
    )


class StandIn:
    def __init__(self, tell) -> None:
        self._tell = tell

    def answer(self, request):
        if isinstance(request, ListModels):
            if "nothing" in sys.argv:
                return ModelsListed(id=request.id, models=(), missing={"x": "timm is not here."})
            found = [each for kind in CATALOG.importers for each in kind().architectures()]
            return ModelsListed(id=request.id, models=tuple(found))
        name = request.source.rpartition(":")[2]
        self._tell(Importing(id=request.id, words=f"Building {name}"))
        if name.endswith("152"):
            time.sleep(60)
        if name.endswith(".pt"):
            return Refused(id=request.id, message=f"{name} is not a weights file.", hint="")
        wish = importing.Wish(
            source=name,
            classes=request.classes,
            base=request.base,
            folder=Path(request.folder),
            beside=request.beside,
        )
        made = imported(name)
        network = resolved(made, CATALOG)
        report = ImportReport(
            origin=made.origin,
            layers=len(network.nodes),
            parameters=1,
            difference=0,
            preparation=making.preparation_in_words(made),
        )
        if request.beside:
            experiment = beside(wish.base, made, wish.folder)
        else:
            experiment = making.made(wish, made, CATALOG)
            experiment, report = making.prepared_for(wish, experiment, network, report, CATALOG)
        return ModelImported(id=request.id, experiment=experiment, report=report)


if __name__ == "__main__":
    serve(Request, StandIn, lambda waiting: waiting)
