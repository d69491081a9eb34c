"""The Data tab: where the samples come from, what they look like, how they are prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QCheckBox, QWidget

from widgets.forms import StructForm
from widgets.panels.class_bars import ClassBars
from widgets.panels.column import ScrollColumn, heading
from widgets.panels.component_form import ComponentForm
from widgets.panels.corrections import CorrectionsList
from widgets.panels.data_preview import DataPreview
from widgets.panels.data_summary import BadFiles, DataSummary
from widgets.panels.length_bars import LengthsCard
from widgets.panels.timeline_preview import TimelinePreview
from workbench.document.edits import set_data
from workbench.document.experiment import Component, Split
from workbench.errors import UserError
from workbench.plugin_api.parameters import fields_of

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.session import Session

LABEL_WIDTH = 78


class DataPanel(ScrollColumn):
    """Joins the settings of the data with what is known of them."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("data", parent)
        self.setAccessibleName("Data")
        self._session = session
        catalog = session.catalog
        width = LABEL_WIDTH
        self._source = ComponentForm(
            catalog.sources, "Source", self, label_width=width, choosable=True
        )
        self._preparation = ComponentForm(
            catalog.preprocessings,
            "Preparation",
            self,
            label_width=width,
            choosable=len(catalog.preprocessings) > 1,
        )
        self._augment = QCheckBox("Vary the pictures", self)
        self._augment.setObjectName("useAugmentation")
        self._augment.setToolTip("Training sees a slightly different picture each time")
        self._augmentation = ComponentForm(
            catalog.augmentations,
            "Augmentation",
            self,
            label_width=width,
            choosable=len(catalog.augmentations) > 1,
        )
        self._last_augmentation: Component | None = None
        self._split = StructForm(fields_of(Split), self, label_width=width)
        self._bars_title = heading("Classes", self)
        self._bars = ClassBars(theme, self)
        self._lengths_title = heading("Lengths", self)
        self._lengths = LengthsCard(theme, self)
        self._bad_files = BadFiles(self)
        self._corrections_title = heading("Corrections", self)
        self._corrections = CorrectionsList(session, self)
        self._timeline = TimelinePreview(session, theme, self)
        self._lay_out(DataSummary(session, theme, self), DataPreview(session, theme, self))
        self._connect()
        self.refresh()
        self._on_info_changed()
        self._on_lengths_changed()

    def refresh(self) -> None:
        """Show the experiment's settings."""
        data = self._session.document.experiment.data
        self._source.show_component(data.source)
        self._preparation.show_component(data.preprocessing)
        self._split.show_struct(data.split)
        for part in (self._corrections_title, self._corrections):
            part.setVisible(bool(data.corrections))
        self._augment.setChecked(data.augmentation is not None)
        self._augmentation.setVisible(data.augmentation is not None)
        if data.augmentation is not None:
            self._last_augmentation = data.augmentation
            self._augmentation.show_component(data.augmentation)

    def _lay_out(self, summary: QWidget, preview: QWidget) -> None:
        self.add(heading("Source", self))
        self.add(self._source)
        self.add(summary)
        self.add(self._corrections_title, 6)
        self.add(self._corrections)
        self.add(preview, 6)
        self.add(self._timeline, 6)
        self.add(self._bad_files, 6)
        self.add(self._bars_title, 6)
        self.add(self._bars)
        self.add(self._lengths_title, 6)
        self.add(self._lengths)
        self.add(heading("Preparation", self), 8)
        self.add(self._preparation)
        self.add(heading("Augmentation", self), 8)
        self.add(self._augment)
        self.add(self._augmentation)
        self.add(heading("Split", self), 8)
        self.add(self._split)

    def _connect(self) -> None:
        session = self._session
        self._source.changed.connect(self._on_source)
        self._preparation.changed.connect(lambda c, n: self._set("preprocessing", c, n))
        self._augmentation.changed.connect(lambda c, n: self._set("augmentation", c, n))
        self._augment.clicked.connect(self._on_augment)
        self._split.changed.connect(self._on_split)
        for form in (self._source, self._preparation, self._augmentation, self._split):
            form.sealed.connect(session.document.seal)
        session.document.experiment_changed.connect(self.refresh)
        session.data.info_changed.connect(self._on_info_changed)
        session.data.lengths_changed.connect(self._on_lengths_changed)

    def _on_source(self, source: Component, name: str) -> None:
        """Take another source; with its preparation, unless the present one goes with it, too."""
        catalog, data = self._session.catalog, self._session.document.experiment.data
        fitting = catalog.preparation_of(catalog.sources[source.type])
        before = catalog.sources.get(data.source.type)
        usual = catalog.preparation_of(before) if before is not None else None
        preparation = catalog.preprocessings.get(data.preprocessing.type)
        same_kind = (
            preparation is not None and fitting is not None and preparation.kind == fitting.kind
        )
        if name or fitting is None or (same_kind and fitting is usual):
            self._set("source", source, name)
            return
        changes = {"source": source, "preprocessing": Component(fitting.id)}
        if not same_kind:
            changes["augmentation"] = None
        self._session.attempt(
            lambda: self._session.document.edit(
                lambda e: set_data(e, **changes), "Change the data source"
            )
        )

    def _set(self, part: str, component: Component | None, name: str) -> None:
        words = {"source": "data source", "preprocessing": "preparation"}
        title = f"Change the {words.get(part, part)}"
        self._session.attempt(
            lambda: self._session.document.edit(
                lambda e: set_data(e, **{part: component}), title, f"{part}/{name}" if name else ""
            )
        )

    def _on_augment(self, checked: bool) -> None:
        kinds = list(self._session.catalog.augmentations)
        if not kinds:
            self._augment.setChecked(False)
            return
        fresh = self._last_augmentation or Component(kinds[0].id)
        self._set("augmentation", fresh if checked else None, "")

    def _on_split(self, name: str, value: Any) -> None:
        document = self._session.document
        current = {f: getattr(document.experiment.data.split, f) for f in Split.__struct_fields__}
        split = Split(**{**current, name: value})
        try:
            document.edit(lambda e: set_data(e, split=split), "Change the split", f"split/{name}")
        except UserError as error:
            self._split.show_error(name, error.message)

    def _on_info_changed(self) -> None:
        info = self._session.data.info
        self._bars.show_info(info)
        has_classes = info is not None and bool(info.class_counts)
        self._bars_title.setVisible(has_classes)
        self._bars.setVisible(has_classes)
        self._bad_files.show_files(info.bad_files if info is not None else ())

    def _on_lengths_changed(self) -> None:
        data = self._session.data
        kind = data.info.kind if data.info is not None else "series"
        self._lengths.show_report(data.lengths, kind)
        for part in (self._lengths_title, self._lengths):
            part.setVisible(data.has_lengths)
