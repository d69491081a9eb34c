"""The Training tab: how the network is trained, and the live learning rate of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from widgets.forms import StructForm
from widgets.number_field import NumberField
from widgets.panels.column import ScrollColumn, heading, wrapped
from widgets.panels.component_form import ComponentForm
from widgets.panels.rate_finder import RateFinder
from widgets.panels.schedule_plot import SchedulePlot
from widgets.texts import decimal
from workbench.document.edits import replace, set_training
from workbench.document.training import Training
from workbench.errors import UserError
from workbench.plugin_api.parameters import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from widgets.theme import Theme
    from workbench.document.experiment import Component, Experiment
    from workbench.session import Session

SECTIONS = {
    "Length": ("epochs", "batch_size", "early_stopping"),
    "Optimizer": ("optimizer", "clip_norm", "accumulate"),
    "Learning rate schedule": ("schedule", "warmup_steps"),
    "Samples": ("sampling", "mixing"),
    "Fine-tuning": ("unfreezing", "averaging"),
    "Computing": ("precision",),
}
SEED = Field(
    name="seed",
    kind="int",
    title="Seed",
    help="Of initial weights, batch order and augmentation",
    minimum=0,
    maximum=2**63 - 1,
)
RATE = Field(name="live_rate", kind="float", title="Learning rate", above=0.0)


class TrainingPanel(ScrollColumn):
    """Sections of settings, each a form."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("training", parent)
        self.setAccessibleName("Training")
        self._session = session
        self._forms: list[StructForm] = []
        self._live = LiveLearningRate(session, self)
        self._plot = SchedulePlot(theme, self)
        self._finder = RateFinder(session, theme, self)
        self._task = ComponentForm(
            session.catalog.tasks, "Task", self, choosable=len(session.catalog.tasks) > 1
        )
        self.add(self._live)
        self._add_sections()
        session.document.experiment_changed.connect(self.refresh)
        session.data.info_changed.connect(self._show_schedule)
        self.refresh()

    def refresh(self) -> None:
        """Show the experiment's settings."""
        experiment = self._session.document.experiment
        for form in self._forms:
            form.show_struct(experiment.training)
        self._seed.show_values({"seed": experiment.seed})
        self._task.show_component(experiment.task)
        self._show_schedule()

    def focus_field(self, name: str) -> None:
        """Put the cursor into a setting's field."""
        for form in self._forms:
            form.focus_field(name)

    def _add_sections(self) -> None:
        fields = {field.name: field for field in fields_of(Training)}
        named = {name for names in SECTIONS.values() for name in names}
        rest = tuple(name for name in fields if name not in named)
        for number, (title, names) in enumerate(SECTIONS.items()):
            self.add(heading(title, self), 8 if number else 0)
            last = title == "Computing"
            form = StructForm([fields[name] for name in (*names, *(rest if last else ()))], self)
            form.changed.connect(self._on_changed)
            form.sealed.connect(self._session.document.seal)
            self._forms.append(form)
            self.add(form)
            if "optimizer" in names:
                self.add(self._finder)
            if "schedule" in names:
                self.add(self._plot)
        self.add(heading("Task", self), 8)
        self.add(self._task)
        self.add(heading("Reproducibility", self), 8)
        self._seed = StructForm((SEED,), self)
        self._seed.changed.connect(self._on_seed)
        self.add(self._seed)
        self._task.changed.connect(self._on_task)
        for form in (self._seed, self._task):
            form.sealed.connect(self._session.document.seal)

    def _show_schedule(self) -> None:
        training = self._session.document.experiment.training
        info = self._session.data.info
        samples = info.counts.get("train", 0) if info is not None else 0
        batch = training.batch_size * training.accumulate
        self._plot.show_training(training, max(-(-samples // batch), 1) if samples else 100)

    def _on_changed(self, name: str, value: Any) -> None:
        form = self.sender()
        title = name.replace("_", " ")
        self._edit(lambda e: set_training(e, **{name: value}), f"Change {title}", name, form)

    def _on_seed(self, name: str, value: Any) -> None:
        self._edit(lambda e: replace(e, seed=value), "Change the seed", name, self._seed)

    def _on_task(self, component: Component, name: str) -> None:
        title = f"Change {name.replace('_', ' ') or 'the task'}"
        document = self._session.document
        self._session.attempt(
            lambda: document.edit(
                lambda e: replace(e, task=component), title, f"task/{name}" if name else ""
            )
        )

    def _edit(
        self,
        change: Callable[[Experiment], Experiment],
        title: str,
        name: str,
        form: StructForm,
    ) -> None:
        try:
            self._session.document.edit(change, title, f"training/{name}")
        except UserError as error:
            form.show_error(name, str(error))


class LiveLearningRate(QWidget):
    """Changes the rate of the run that is training; the experiment keeps its own."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("liveLearningRate")
        self._session = session
        self._wanted: float | None = None
        self._field = NumberField(RATE, self)
        self._field.setObjectName("field_live_rate")
        self._field.setAccessibleName("Learning rate of the running training")
        self._field.number_edited.connect(self._on_edited)
        self._field.text_rejected.connect(self._on_rejected)
        self._field.returnPressed.connect(self._apply)
        self._button = QPushButton("Apply", self)
        self._button.setObjectName("applyLearningRate")
        self._button.clicked.connect(self._apply)
        self._now = wrapped("", self)
        row = QHBoxLayout()
        row.addWidget(self._field, 1)
        row.addWidget(self._button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(6)
        column.addWidget(heading("Running now: learning rate", self))
        column.addLayout(row)
        column.addWidget(self._now)
        session.run.opened.connect(self._on_opened)
        session.run.updated.connect(self.refresh)
        self._on_opened()

    def refresh(self) -> None:
        """Show the rate of the last step."""
        run = self._session.run
        self.setVisible(run.is_active and run.state.status in ("training", "paused"))
        rates = run.state.steps.get("learning_rate") if run.folder else None
        if rates:
            self._now.setText(f"At step {rates.steps[-1]}: {decimal(_short(rates.values[-1]))}")
        self._now.setVisible(bool(rates))

    def _on_opened(self) -> None:
        experiment = self._session.run.experiment if self._session.run.folder else None
        if experiment is not None:
            self._field.show_number(experiment.training.optimizer.learning_rate)
        self._wanted = None
        self._button.setEnabled(False)
        self.refresh()

    def _on_edited(self, value: float) -> None:
        self._wanted = value
        self._button.setEnabled(True)

    def _on_rejected(self, _message: str) -> None:
        self._wanted = None
        self._button.setEnabled(False)

    def _apply(self) -> None:
        if self._wanted is None:
            return
        rate = self._wanted
        if self._session.attempt(lambda: self._session.run.set_learning_rate(rate)):
            self._wanted = None
            self._button.setEnabled(False)


def _short(number: float) -> float:
    return float(f"{number:.4g}")
