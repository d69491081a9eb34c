"""What a classifier answered: metrics, confusion matrix and the pictures behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.monitor.results import PredictionsPanel
    from widgets.theme import Theme
    from workbench.session import Session


class Predictions(View):
    """Results of the shown run on the validation and test splits."""

    id = "predictions"
    title = "Predictions"
    order = 20
    tasks = ("classification",)

    def make_widget(self, session: Session, theme: Theme) -> PredictionsPanel:
        """Return the panel."""
        from widgets.monitor.results import PredictionsPanel

        return PredictionsPanel(session, theme)
