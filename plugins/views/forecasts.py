"""Forecasts of the shown run beside what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.plugin_api.view import View

if TYPE_CHECKING:
    from widgets.monitor.forecasts import ForecastsPanel
    from widgets.theme import Theme
    from workbench.session import Session


class Forecasts(View):
    """Results of the shown run on the validation and test splits."""

    id = "forecasts"
    title = "Forecast"
    order = 21
    tasks = ("forecasting",)

    def make_widget(self, session: Session, theme: Theme) -> ForecastsPanel:
        """Return the panel."""
        from widgets.monitor.forecasts import ForecastsPanel

        return ForecastsPanel(session, theme)
