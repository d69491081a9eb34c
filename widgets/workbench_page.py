"""The working page: tabs at the left, right and bottom around the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget

from widgets.canvas.view import CanvasView
from widgets.lazy_tabs import LazyTabs

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session


class WorkbenchPage(QSplitter):
    """Lays the panels out; they are made when they are first looked at."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setObjectName("workbenchPage")
        self._session = session
        self._theme = theme
        self._sized = False
        self._kept_sizes: tuple[list[int], list[int]] | None = None
        self.canvas = CanvasView(session, theme)
        self.left = LazyTabs("left", self)
        self.right = LazyTabs("right", self)
        self.bottom = LazyTabs("bottom", self)
        self._columns = QSplitter(Qt.Orientation.Horizontal, self)
        self._add_tabs()
        self._lay_out()
        session.document.report_changed.connect(self._count_problems)
        session.run.runs_changed.connect(self._count_runs)
        for signal in (
            session.run.opened,
            session.run.updated,
            session.document.experiment_changed,
        ):
            signal.connect(self._offer_views)
        self._count_problems()
        self._offer_views()

    def release(self) -> None:
        """Make the panels in front; called after the window's first paint."""
        for tabs in self._all_tabs():
            tabs.release()

    def show_tab(self, key: str) -> QWidget | None:
        """Bring a tab to the front; returns its widget, None if there is no such tab."""
        for tabs in self._all_tabs():
            if key in tabs.titles():
                return tabs.show_tab(key)
        return None

    def tabs(self) -> dict[str, str]:
        """Return the titles of all tabs by key."""
        return {key: title for tabs in self._all_tabs() for key, title in tabs.titles().items()}

    def sizes_to_keep(self) -> dict[str, list[int]]:
        """Return the places of the splitters, for the next start."""
        return {"columns": self._columns.sizes(), "rows": self.sizes()}

    def restore_sizes(self, kept: dict[str, list[int]]) -> None:
        """Put the splitters back."""
        columns, rows = kept.get("columns", []), kept.get("rows", [])
        if len(columns) == 3 and len(rows) == 2 and min(*columns, *rows) > 0:
            self._kept_sizes = (columns, rows)

    def showEvent(self, event: QShowEvent) -> None:
        """Divide the room at the first show."""
        super().showEvent(event)
        if self._kept_sizes is not None:
            self._columns.setSizes(self._kept_sizes[0])
            self.setSizes(self._kept_sizes[1])
            self._kept_sizes = None
        elif not self._sized:
            self.divide_anew()
        self._sized = True

    def divide_anew(self) -> None:
        """Give every panel the share of the room that it usually has."""
        width, height = self.width(), self.height()
        left = _between(204, round(width * 0.165), 280)
        right = _between(272, round(width * 0.205), 340)
        bottom = _between(206, round(height * 0.315), 360)
        self._columns.setSizes([left, width - left - right, right])
        self.setSizes([height - bottom, bottom])

    def _add_tabs(self) -> None:
        made = _factories(self._session, self._theme, self.canvas, self.show_tab)
        self.left.add_lazy("layers", "Layers", made["layers"])
        self.left.add_lazy("data", "Data", made["data"])
        self.left.add_lazy("models", "Models", made["models"])
        self.right.add_lazy("layer", "Layer", made["layer"])
        self.right.add_lazy("training", "Training", made["training"])
        self.right.add_lazy("analysis", "Analysis", made["analysis"])
        for kind in sorted(self._session.catalog.views, key=lambda view: view.order):
            self.bottom.add_lazy(kind.id, kind.title, self._view_factory(kind))
        for key, title in {
            "runs": "Runs",
            "problems": "Problems",
            "code": "Code",
            "log": "Log",
        }.items():
            self.bottom.add_lazy(key, title, made[key])

    def _view_factory(self, kind: type[Any]) -> Callable[[], QWidget]:
        return lambda: kind().make_widget(self._session, self._theme)

    def _offer_views(self) -> None:
        """Offer the views of what is trained: in the shown run, and in the design."""
        shown = self._session.run.experiment if self._session.run.folder else None
        tasks = {e.task.type for e in (shown, self._session.document.experiment) if e is not None}
        for kind in self._session.catalog.views:
            self.bottom.offer(kind.id, not kind.tasks or not tasks.isdisjoint(kind.tasks))

    def _lay_out(self) -> None:
        for splitter in (self, self._columns):
            splitter.setHandleWidth(3)
            splitter.setChildrenCollapsible(False)
        self._columns.setObjectName("columns")
        for widget, least in ((self.left, 190), (self.canvas, 240), (self.right, 256)):
            widget.setMinimumWidth(least)
            self._columns.addWidget(widget)
        self._columns.setStretchFactor(1, 1)
        self._columns.setMinimumHeight(240)
        self.bottom.setMinimumHeight(150)
        self.addWidget(self._columns)
        self.addWidget(self.bottom)
        self.setStretchFactor(0, 1)

    def _all_tabs(self) -> tuple[LazyTabs, ...]:
        return self.left, self.right, self.bottom

    def _count_problems(self) -> None:
        self.bottom.set_count("problems", len(self._session.document.report.problems))

    def _count_runs(self) -> None:
        self.bottom.set_count("runs", len(self._session.run.runs))


def _factories(
    session: Session, theme: Theme, canvas: CanvasView, show_tab: Callable[[str], object]
) -> dict[str, Callable[[], QWidget]]:
    """Return what makes each panel; the modules are imported only then."""

    def layers() -> QWidget:
        from widgets.panels.palette import LayerPalette

        palette = LayerPalette(session, theme)
        palette.layer_chosen.connect(canvas.adding.add_layer)
        return palette

    def data() -> QWidget:
        from widgets.panels.data import DataPanel

        return DataPanel(session, theme)

    def models() -> QWidget:
        from widgets.panels.models import ModelsPanel

        panel = ModelsPanel(session, theme)
        panel.wanted.connect(canvas.adding.import_model)
        return panel

    def layer() -> QWidget:
        from widgets.panels.inspector import Inspector

        return Inspector(session, theme)

    def training() -> QWidget:
        from widgets.panels.training import TrainingPanel

        return TrainingPanel(session, theme)

    def analysis() -> QWidget:
        from widgets.panels.analysis import AnalysisPanel

        return AnalysisPanel(session, theme)

    return {
        "layers": layers,
        "data": data,
        "models": models,
        "layer": layer,
        "training": training,
        "analysis": analysis,
        **_lower_factories(session, theme, show_tab),
    }


def _lower_factories(
    session: Session, theme: Theme, show_tab: Callable[[str], object]
) -> dict[str, Callable[[], QWidget]]:
    def runs() -> QWidget:
        from widgets.panels.runs import RunsPanel

        panel = RunsPanel(session, theme)
        panel.run_opened.connect(lambda: show_tab("monitor"))
        return panel

    def problems() -> QWidget:
        from widgets.panels.problems import ProblemsPanel

        return ProblemsPanel(session, theme)

    def code() -> QWidget:
        from widgets.panels.code import CodePanel

        return CodePanel(session, theme)

    def log() -> QWidget:
        from widgets.panels.log import LogPanel

        return LogPanel(session, theme)

    return {"runs": runs, "problems": problems, "code": code, "log": log}


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))
